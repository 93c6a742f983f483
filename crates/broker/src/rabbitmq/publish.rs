//! Publishing in bulk, with confirms.

use std::{collections::HashSet, sync::Arc};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation, PublisherConfirm, message::BasicReturnMessage,
    options::BasicPublishOptions,
};
use metrics::histogram;
use parking_lot::RwLock;
use sunbeon_proto_messages::{Enter, topology::ENTER_QUEUE};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{connection::LIMIT, headers};
use crate::trace;

/// How many messages may be unconfirmed at once.
const WINDOW: usize = 1_000;

/// The channels of a live publishing connection.
#[derive(Clone)]
pub(super) struct Link {
    /// In confirm mode.
    pub(super) enters: Channel,
    pub(super) events: Channel,
    /// Cancelled by the first to find the link unusable: a publisher whose batch was not fully
    /// confirmed, or the supervisor when the connection ends or is blocked.
    pub(super) over: CancellationToken,
}

/// Publishes over the link that the supervisor provides.
#[derive(Default)]
pub(super) struct Publisher {
    link: RwLock<Option<Link>>,
    /// Only one batch at a time, because a returned message is matched within its batch.
    turn: Mutex<()>,
}

impl Publisher {
    /// Returns the link, if a usable one is up.
    pub(super) fn link(&self) -> Option<Link> {
        let link = self.link.read();
        link.clone().filter(|link| !link.over.is_cancelled())
    }

    pub(super) fn set_link(&self, link: Option<Link>) {
        *self.link.write() = link;
    }

    /// Waits for the batch in progress, within the limit.
    pub(super) async fn idle(&self) {
        let _ = timeout_at(Instant::now() + LIMIT, self.turn.lock()).await;
    }

    pub(super) async fn publish_enters(&self, messages: &[Enter]) -> Vec<bool> {
        let begun = Instant::now();
        let deadline = begun + LIMIT;
        let mut confirmed = Vec::with_capacity(messages.len());
        if let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await {
            for window in messages.chunks(WINDOW) {
                let Some(link) = self.link() else { break };
                confirmed.extend(publish_window(&link, window, deadline).await);
            }
            histogram!("sunbeon_publish_confirm_seconds").record(begun.elapsed());
        }
        confirmed.resize(messages.len(), false);
        confirmed
    }
}

/// Publishes all messages, then waits for all confirms. Unless every message is confirmed, the link
/// is given up: a late confirm would be mistaken for the next batch's, a returned message means
/// that the queue is gone, and a channel that was refused once may be refused for ever (a quorum
/// queue does not announce that its limit was lifted). The link is also given up if the caller
/// drops this future.
async fn publish_window(link: &Link, messages: &[Enter], deadline: Instant) -> Vec<bool> {
    let over_unless_confirmed = link.over.clone().drop_guard();
    let mut confirms = FuturesUnordered::new();
    let mut tally = Tally::new(messages.len());
    let all = async {
        for (index, message) in messages.iter().enumerate() {
            let (confirm, span) = send(&link.enters, message).await?;
            confirms.push(async move { (index, confirm.await, span) });
        }
        while let Some((index, confirmation, _span)) = confirms.next().await {
            tally.record(index, confirmation?);
        }
        Ok::<(), lapin::Error>(())
    };
    let whole = tokio::select! {
        biased;
        all = timeout_at(deadline, all) => matches!(all, Ok(Ok(()))),
        () = link.over.cancelled() => false,
    };
    while let Some(Some((index, confirmation, _span))) = confirms.next().now_or_never() {
        let _ = confirmation.map(|confirmation| tally.record(index, confirmation));
    }
    let verdicts = tally.verdicts(messages, whole);
    if verdicts.iter().all(|confirmed| *confirmed) {
        over_unless_confirmed.disarm();
    }
    verdicts
}

async fn send(channel: &Channel, message: &Enter) -> lapin::Result<(PublisherConfirm, Span)> {
    let span = trace::producer_span(message);
    let body = serde_json::to_vec(message).expect("an ENTER message is always JSON");
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let properties = headers::properties(message, &span);
    let (exchange, queue) = ("".into(), ENTER_QUEUE.into());
    let confirm = channel
        .basic_publish(exchange, queue, options, &body, properties)
        .await?;
    Ok((confirm, span))
}

/// The server's answers for a window.
struct Tally {
    acked: Vec<bool>,
    /// Message ids. lapin attaches a returned message to whichever confirm comes next, so the
    /// confirm that carries it says nothing about its own message.
    returned: HashSet<Arc<str>>,
}

impl Tally {
    fn new(count: usize) -> Self {
        Self {
            acked: vec![false; count],
            returned: HashSet::new(),
        }
    }

    fn record(&mut self, index: usize, confirmation: Confirmation) {
        self.acked[index] = confirmation.is_ack();
        if let Some(message) = confirmation.take_message() {
            self.returned.insert(message_id(&message));
        }
    }

    /// The server acknowledges a returned message too, after returning it. Once all confirms are
    /// in, so are all returns. Before that, an acknowledgement counts only while nothing at all has
    /// been returned, because a return arrives with its own message's confirm or an earlier one.
    fn verdicts(self, messages: &[Enter], whole: bool) -> Vec<bool> {
        let arrived = |message: &Enter| match whole {
            true => !self.returned.contains(message.message_id().as_str()),
            false => self.returned.is_empty(),
        };
        let each = self.acked.iter().zip(messages);
        each.map(|(acked, message)| *acked && arrived(message))
            .collect()
    }
}

fn message_id(message: &BasicReturnMessage) -> Arc<str> {
    message
        .delivery
        .properties
        .message_id()
        .as_ref()
        .map_or("", |id| id.as_str())
        .into()
}

#[cfg(test)]
mod tests {
    use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};

    use super::*;

    fn messages() -> Vec<Enter> {
        let enter = |number| {
            let (concert, member) = (ConcertId::parse("c1"), MemberId::parse("m1"));
            let (title, name) = (String::new(), String::new());
            let number = EntryNumber(number);
            Enter::new(
                concert.unwrap(),
                title,
                member.unwrap(),
                name,
                number,
                UnixMs(0),
            )
        };
        (1..=3).map(enter).collect()
    }

    fn tally(confirmations: [Option<Confirmation>; 3], returned: &[&str]) -> Tally {
        let mut tally = Tally::new(3);
        for (index, confirmation) in confirmations.into_iter().enumerate() {
            if let Some(confirmation) = confirmation {
                tally.record(index, confirmation);
            }
        }
        tally
            .returned
            .extend(returned.iter().map(|id| Arc::from(*id)));
        tally
    }

    const ACK: Option<Confirmation> = Some(Confirmation::Ack(None));
    const NACK: Option<Confirmation> = Some(Confirmation::Nack(None));

    #[test]
    fn a_refused_message_is_not_confirmed() {
        assert_eq!(
            tally([ACK, NACK, ACK], &[]).verdicts(&messages(), true),
            [true, false, true]
        );
    }

    #[test]
    fn a_returned_message_is_matched_by_its_id_not_by_the_confirm_that_carried_it() {
        let verdicts = tally([ACK, ACK, ACK], &["c1:2"]).verdicts(&messages(), true);
        assert_eq!(verdicts, [true, false, true]);
    }

    #[test]
    fn in_an_unfinished_batch_acknowledged_messages_count_unless_anything_was_returned() {
        let verdicts = tally([ACK, None, ACK], &[]).verdicts(&messages(), false);
        assert_eq!(verdicts, [true, false, true]);
        let verdicts = tally([ACK, None, ACK], &["c1:2"]).verdicts(&messages(), false);
        assert_eq!(verdicts, [false, false, false]);
    }
}
