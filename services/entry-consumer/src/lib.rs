#![doc = include_str!("../README.md")]

mod serve;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use opentelemetry::trace::TraceContextExt;
use sunbeon_broker::{Broker, Delivered, EnterHandler, Settle};
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::{Admitted, Event};
use sunbeon_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub use self::serve::serve;

/// The service.
pub struct EntryConsumer {
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
}

impl EntryConsumer {
    /// Creates the service from a store and a broker.
    pub fn new(store: Arc<dyn Store>, broker: Arc<dyn Broker>) -> Self {
        Self { store, broker }
    }

    /// Consumes until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let broker = self.broker.clone();
        broker.consume_enters(Arc::new(self), shutdown).await;
        Ok(())
    }

    /// Calls the members of one concert's messages and returns how to settle the messages.
    async fn call(&self, id: &ConcertId, messages: &[&Delivered]) -> Settle {
        let entry = |m: &&Delivered| (m.enter.member_id.clone(), m.enter.entry_number);
        let entries: Vec<_> = messages.iter().map(entry).collect();
        let called = match self.store.ready(id, &entries).await {
            Ok(called) => called,
            // The concert was deleted meanwhile, so nobody is waiting.
            Err(StoreError::UnknownConcert) => return Settle::Done,
            Err(
                error @ (StoreError::Down(_) | StoreError::Full(_) | StoreError::OtherRelease(_)),
            ) => {
                tracing::warn!(%error, concert = %id, "the store is unavailable; messages will be retried");
                return Settle::Retry;
            }
            Err(StoreError::Bug(error)) => {
                tracing::error!(error, concert = %id, "the store failed on messages; dead-lettering them");
                return Settle::Reject;
            }
        };
        let ready = entries
            .into_iter()
            .zip(called)
            .filter(|(_, called)| *called);
        let admitted: Vec<_> = ready
            .map(|((member_id, entry_number), _)| Admitted {
                member_id,
                entry_number,
            })
            .collect();
        if !admitted.is_empty() {
            tracing::info!(concert = %id, ready = admitted.len(), "members were called");
            let concert_id = id.clone();
            self.broker.publish_event(Event::QueueAdmitted {
                concert_id,
                admitted,
            });
        }
        Settle::Done
    }
}

/// Opens each message's own span, a child of its producer's.
fn span_of(message: &Delivered) -> Span {
    let span = info_span!("reservation.enter process", otel.kind = "consumer",
        concert = %message.enter.concert_id, redelivered = message.redelivered);
    // This fails without a tracer, and then there is nothing to link.
    let _ = span.set_parent(message.context.clone());
    span
}

#[async_trait]
impl EnterHandler for EntryConsumer {
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
        let spans: Vec<_> = messages.iter().map(span_of).collect();
        let mut by_concert = BTreeMap::<_, Vec<usize>>::new();
        for (i, message) in messages.iter().enumerate() {
            by_concert
                .entry(&message.enter.concert_id)
                .or_default()
                .push(i);
        }
        let mut settled = vec![Settle::Retry; messages.len()];
        for (id, indices) in by_concert {
            // One call handles all of them, so its span is linked to each. It is shown in the trace of the
            // first that is exported.
            let bulk = info_span!(parent: None, "ready", concert = %id, messages = indices.len());
            let contexts: Vec<_> = indices.iter().map(|i| spans[*i].context()).collect();
            let mut exported = contexts
                .iter()
                .filter(|it| it.span().span_context().is_sampled());
            if let Some(first) = exported.next() {
                // This fails without a tracer, and then there is no trace.
                let _ = bulk.set_parent(first.clone());
            }
            for context in &contexts {
                bulk.add_link(context.span().span_context().clone());
            }
            let of_concert: Vec<_> = indices.iter().map(|i| &messages[*i]).collect();
            let settle = self.call(id, &of_concert).instrument(bulk).await;
            indices.iter().for_each(|i| settled[*i] = settle);
        }
        settled
    }
}
