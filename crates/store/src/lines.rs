//! Work that is done for every line.

use futures::{StreamExt, stream};
use sunbeon_domain::ConcertId;

use crate::{Result, Store, StoreError};

/// How many lines are worked on at a time.
const TOGETHER: usize = 32;

/// Does something for every concert whose line is live. One that fails for a reason of its own
/// ([`StoreError::Bug`]) costs no other its turn, and its error is answered in the end; one that is
/// dropped meanwhile is passed over.
///
/// # Errors
/// [`StoreError::Down`] at once: the others would only wait for the same.
pub async fn for_each_live_line<Each: Future<Output = Result<()>>>(
    store: &dyn Store,
    each: impl FnMut(ConcertId) -> Each,
) -> Result<()> {
    for_each(store.live().await?, each).await
}

/// Does something for every one of these concerts, as [`for_each_live_line`] does: for some of them at a
/// time, so that a store far away is not asked one by one.
pub async fn for_each<Each: Future<Output = Result<()>>>(
    ids: Vec<ConcertId>,
    each: impl FnMut(ConcertId) -> Each,
) -> Result<()> {
    let mut done = Ok(());
    let mut outcomes = stream::iter(ids).map(each).buffer_unordered(TOGETHER);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Err(StoreError::UnknownConcert) => {}
            Err(error @ StoreError::Bug(_)) => done = Err(error),
            outcome => outcome?,
        }
    }
    done
}
