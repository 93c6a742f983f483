//! The settlement rule, shared by both brokers.

use std::{iter, sync::Arc};

use metrics::histogram;
use sunbeon_proto_messages::Enter;
use tokio::time::{Duration, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Delivered, EnterHandler, Settle, backoff::Backoff};

/// The largest batch that a handler gets.
pub(crate) const LARGEST: usize = 500;

/// Settles the messages of a batch.
pub(crate) trait Source {
    /// Identifies a message of the batch.
    type Tag: Send + Sync;
    /// Why nothing can be settled any longer.
    type Error;

    /// Settles messages. `last` means that no message of the batch stays unsettled after this call.
    fn settle(
        &mut self,
        done: &[Self::Tag],
        rejected: &[Self::Tag],
        last: bool,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Fails when the messages can no longer be settled, because they have gone back to the queue.
    fn check(&self) -> Result<(), Self::Error>;
}

/// A message as received, decoded or refused.
pub(crate) type Received<Tag> = (Tag, Result<Delivered, Undecodable>);

/// The body is not an ENTER message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undecodable;

/// Decodes a body. The log line never shows the body: `serde_json` quotes values in its messages.
pub(crate) fn decode(body: &[u8]) -> Result<Enter, Undecodable> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::warn!(
            bytes = body.len(),
            kind = ?error.classify(),
            line = error.line(),
            column = error.column(),
            "dead-lettering a message that is not an ENTER message"
        );
        Undecodable
    })
}

/// Records how long a message took to arrive.
pub(crate) fn record_lag(lag: Duration) {
    histogram!("sunbeon_consumer_lag_seconds").record(lag);
}

/// Hands a batch to the handler until every message is settled, `shutdown` is cancelled or nothing
/// can be settled any longer. Dead-letters undecodable messages first.
pub(crate) async fn settle<S: Source>(
    source: &mut S,
    batch: Vec<Received<S::Tag>>,
    handler: &Arc<dyn EnterHandler>,
    shutdown: &CancellationToken,
) -> Result<(), S::Error> {
    let (mut open, undecodable) = split(batch);
    if !undecodable.is_empty() {
        source.settle(&[], &undecodable, open.1.is_empty()).await?;
    }
    let mut backoff = Backoff::default();
    while !open.1.is_empty() {
        let answers = handler.handle(&open.1).await;
        let sorted = sort(open, answers);
        let last = sorted.retry.1.is_empty();
        source.settle(&sorted.done, &sorted.rejected, last).await?;
        open = sorted.retry;
        if !last {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = sleep(backoff.pause()) => source.check()?,
            }
        }
    }
    Ok(())
}

/// Unsettled messages and their tags, in two vectors: the handler gets the messages as a slice.
type Open<Tag> = (Vec<Tag>, Vec<Delivered>);

fn split<Tag>(batch: Vec<Received<Tag>>) -> (Open<Tag>, Vec<Tag>) {
    let mut open = (Vec::new(), Vec::new());
    let mut undecodable = Vec::new();
    for (tag, decoded) in batch {
        match decoded {
            Ok(message) => {
                open.0.push(tag);
                open.1.push(message);
            }
            Err(Undecodable) => undecodable.push(tag),
        }
    }
    (open, undecodable)
}

struct Sorted<Tag> {
    done: Vec<Tag>,
    rejected: Vec<Tag>,
    retry: Open<Tag>,
}

fn sort<Tag>((tags, messages): Open<Tag>, answers: Vec<Settle>) -> Sorted<Tag> {
    let mut sorted = Sorted {
        done: vec![],
        rejected: vec![],
        retry: (vec![], vec![]),
    };
    let answers = answers.into_iter().chain(iter::repeat(Settle::Retry));
    for ((tag, message), answer) in tags.into_iter().zip(messages).zip(answers) {
        match answer {
            Settle::Done => sorted.done.push(tag),
            Settle::Reject => sorted.rejected.push(tag),
            Settle::Retry => {
                sorted.retry.0.push(tag);
                sorted.retry.1.push(message);
            }
        }
    }
    sorted
}
