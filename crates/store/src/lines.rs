//! Work that is done for every line.

use sunbeon_domain::ConcertId;

use crate::{Result, Store, StoreError};

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

/// Does something for every one of these concerts, as [`for_each_live_line`] does.
pub async fn for_each<Each: Future<Output = Result<()>>>(
    ids: Vec<ConcertId>,
    mut each: impl FnMut(ConcertId) -> Each,
) -> Result<()> {
    let mut done = Ok(());
    for id in ids {
        match each(id).await {
            Err(StoreError::UnknownConcert) => {}
            Err(error @ StoreError::Bug(_)) => done = Err(error),
            outcome => outcome?,
        }
    }
    done
}
