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
use sunbeon_domain::UnixMs;
use sunbeon_proto_messages::Enter;
use tracing::Span;

use crate::trace;

/// When the message was published, in milliseconds since the epoch. (AMQP's own `timestamp` counts
/// whole seconds.)
const PUBLISHED_AT: &str = "x-published-at-ms";
const PERSISTENT: u8 = 2;
/// What a quorum queue counts.
const COUNTED: [&str; 2] = ["x-delivery-count", "x-acquired-count"];
/// Routing keys besides the message's own.
const ADDRESSEES: [&str; 2] = ["CC", "BCC"];

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

/// Returns why and when a message became a dead letter, as far as RabbitMQ says it
/// (<https://www.rabbitmq.com/docs/dlx#effects>).
pub(super) fn death(properties: &BasicProperties) -> (Option<String>, Option<UnixMs>) {
    let latest = || {
        header(properties, "x-death")?
            .as_array()?
            .as_slice()
            .first()
    };
    let latest = latest().and_then(AMQPValue::as_field_table);
    let field = |name| latest?.inner().get(name);
    let reason = field("reason").or(header(properties, "x-first-death-reason"));
    let seconds = field("time").and_then(AMQPValue::as_timestamp);
    let at = seconds.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000));
    (reason.and_then(text), at.map(UnixMs))
}

/// Returns how often a quorum queue has got the message back. RabbitMQ 4.3 counts failed deliveries
/// apart from all.
pub(super) fn times_given_back(properties: &BasicProperties) -> i64 {
    let counts = COUNTED.iter().filter_map(|name| header(properties, name));
    counts.filter_map(whole).max().unwrap_or(0)
}

/// Returns the properties of a copy on the same queue. The server's own counts, and what it would act on,
/// stay behind: other addressees, a time to live, and the name of a user, which must be the publisher's.
pub(super) fn copied(properties: &BasicProperties) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flat_map(FieldTable::inner) {
        if !COUNTED.contains(&name.as_str()) && !ADDRESSEES.contains(&name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    let mut copy = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers);
    if let Some(id) = properties.message_id() {
        copy = copy.with_message_id(id.clone());
    }
    if let Some(kind) = properties.content_type() {
        copy = copy.with_content_type(kind.clone());
    }
    if let Some(app) = properties.app_id() {
        copy = copy.with_app_id(app.clone());
    }
    copy
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

/// RabbitMQ sends a number in the smallest type that holds it.
fn whole(value: &AMQPValue) -> Option<i64> {
    Some(match value {
        AMQPValue::ShortShortInt(n) => (*n).into(),
        AMQPValue::ShortShortUInt(n) => (*n).into(),
        AMQPValue::ShortInt(n) => (*n).into(),
        AMQPValue::ShortUInt(n) => (*n).into(),
        AMQPValue::LongInt(n) => (*n).into(),
        AMQPValue::LongUInt(n) => (*n).into(),
        AMQPValue::LongLongInt(n) => *n,
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_what_the_sender_said_and_nothing_that_the_server_would_act_on() {
        let headers = |names: &[&str]| {
            let mut table = FieldTable::default();
            for name in names {
                table.insert((*name).into(), AMQPValue::LongLongInt(12));
            }
            table
        };
        let said = ["traceparent", "x-death"];
        let original = BasicProperties::default()
            .with_message_id("id".into())
            .with_content_type("text/plain".into())
            .with_app_id("app".into())
            .with_user_id("somebody".into())
            .with_expiration("1".into())
            .with_headers(headers(&[&COUNTED[..], &ADDRESSEES, &said].concat()));
        assert_eq!(times_given_back(&original), 12);
        let copy = BasicProperties::default()
            .with_message_id("id".into())
            .with_content_type("text/plain".into())
            .with_app_id("app".into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(headers(&said));
        assert_eq!(copied(&original), copy);
        assert_eq!(times_given_back(&copy), 0);
    }
}
