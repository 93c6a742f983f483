//! Message properties and headers.

use std::{
    str,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use opentelemetry::propagation::{Extractor, Injector};
use sunbeon_proto_messages::Enter;
use tracing::Span;

use crate::trace;

/// When the message was published, in milliseconds since the epoch. (AMQP's own `timestamp` counts
/// whole seconds.)
const PUBLISHED_AT: &str = "x-published-at-ms";
const PERSISTENT: u8 = 2;

/// Returns the properties of an ENTER message published now.
pub(super) fn properties(message: &Enter, span: &Span) -> BasicProperties {
    let mut headers = FieldTable::default();
    trace::inject(span, &mut Writer(&mut headers));
    let now = i64::try_from(now().as_millis()).unwrap_or(i64::MAX);
    headers.insert(PUBLISHED_AT.into(), AMQPValue::LongLongInt(now));
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(message.message_id().into())
        .with_headers(headers)
}

/// Returns how long a message was on its way, as far as this machine's clock agrees with its
/// publisher's. `None` if the header is missing.
pub(super) fn lag(properties: &BasicProperties) -> Option<Duration> {
    let millis = properties
        .headers()
        .as_ref()?
        .inner()
        .get(PUBLISHED_AT)?
        .as_long_long_int()?;
    let published = Duration::from_millis(u64::try_from(millis).ok()?);
    Some(now().saturating_sub(published))
}

/// Returns the trace context of the message's producer.
pub(super) fn context(properties: &BasicProperties) -> opentelemetry::Context {
    let none = FieldTable::default();
    trace::extract(&Reader(properties.headers().as_ref().unwrap_or(&none)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a figure for operators; nothing depends on it"
)]
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

struct Writer<'a>(&'a mut FieldTable);

impl Injector for Writer<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0
            .insert(key.into(), AMQPValue::LongString(value.into()));
    }
}

struct Reader<'a>(&'a FieldTable);

impl Extractor for Reader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match self.0.inner().get(key)? {
            AMQPValue::LongString(value) => str::from_utf8(value.as_bytes()).ok(),
            AMQPValue::ShortString(value) => Some(value.as_str()),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.inner().keys().map(|key| key.as_str()).collect()
    }
}
