//! Work that is done for every line.

use std::{
    future::ready,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use futures::{StreamExt, stream};
use sunbeon_domain::ConcertId;

use crate::{Result, Store, StoreError};

/// How many lines are worked on at a time.
const TOGETHER: usize = 32;

/// Does something for every concert whose line is live. One that fails for a reason of its own costs no
/// other its turn, and its error is answered in the end; one that is dropped meanwhile is passed over.
///
/// # Errors
/// [`StoreError::Down`] once those that had begun have ended: the others would only wait for the same.
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
    let (mut done, is_down) = (Ok(()), AtomicBool::new(false));
    let goes_on = |_: &ConcertId| ready(!is_down.load(Relaxed));
    let begun = stream::iter(ids).take_while(goes_on).map(each);
    let mut outcomes = begun.buffer_unordered(TOGETHER);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(()) | Err(StoreError::UnknownConcert) => {}
            Err(error) => {
                is_down.fetch_or(matches!(error, StoreError::Down(_)), Relaxed);
                done = Err(error);
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_ends_although_the_store_is_down_for_another() {
        let ids = (0..3 * TOGETHER).map(|n| ConcertId::parse(format!("c{n}")).unwrap());
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let each = |_: ConcertId| {
            let number = begun.fetch_add(1, Relaxed);
            let ended = &ended;
            async move {
                if number == 0 {
                    return Err(StoreError::Down("it is away".into()));
                }
                tokio::task::yield_now().await;
                ended.fetch_add(1, Relaxed);
                Ok(())
            }
        };
        let done = for_each(ids.collect(), each).await;
        assert!(matches!(done, Err(StoreError::Down(_))), "{done:?}");
        let (begun, ended) = (begun.into_inner(), ended.into_inner());
        assert_eq!(ended, begun - 1);
        assert!(begun < 2 * TOGETHER, "{begun}");
    }

    #[tokio::test]
    async fn one_that_fails_by_itself_costs_no_other_its_turn() {
        for own in [
            StoreError::Bug("a".into()),
            StoreError::EarlierRelease("b".into()),
        ] {
            let ids = (0..3 * TOGETHER).map(|n| ConcertId::parse(format!("c{n}")).unwrap());
            let ended = AtomicUsize::new(0);
            let each = |_: ConcertId| {
                let first = ended.fetch_add(1, Relaxed) == 0;
                let outcome = if first { Err(own.again()) } else { Ok(()) };
                ready(outcome)
            };
            assert!(for_each(ids.collect(), each).await.is_err());
            assert_eq!(ended.into_inner(), 3 * TOGETHER);
        }
    }
}
