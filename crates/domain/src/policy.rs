//! A concert's policy.

mod table;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::table::{NewConcert, Policy, PolicyChange, PolicyField};
use crate::{ConcertId, MemberId};

/// How the line is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everyone lines up; batches are taken by hand and, from `bookingStartAt`, on schedule.
    #[default]
    Queue,
    /// Up to `maxActive` members go straight in; the rest line up and are admitted as slots become
    /// free.
    Threshold,
    /// There is no line: `enter` always answers READY, regardless of `maxActive`.
    Off,
}

/// Which members may line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// Members with an access token of the shop.
    #[default]
    Member,
    /// Guests, too.
    Guest,
}

impl Identity {
    /// Returns whether a member may join the line.
    pub fn allows(self, member: &MemberId) -> bool {
        self == Self::Guest || !member.is_guest()
    }
}

/// A concert as every replica knows it: a versioned policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "version": 1, "closed": false, "title": "Demo Concert",
    "timeZone": "Asia/Seoul", "mode": "queue", "joinStartHours": 4, "entryIntervalSeconds": 30,
    "groupSize": 10, "maxWaitTimeMinutes": 120, "refuseLongWait": false,
    "holdDurationMinutes": 10, "waitingTtlSeconds": 300, "readyTtlSeconds": 300,
    "sessionMinutes": 10, "keepPlaceMinutes": 30, "autoOpen": true, "paused": false,
    "stopWhenSoldOut": true, "identity": "member", "bookingStartAt": "2026-11-20T05:00:00.000Z"}))]
pub struct Concert {
    /// The concert's id.
    pub concert_id: ConcertId,
    /// Grows by one with every change; an older version never overwrites a newer one.
    pub version: u64,
    /// Whether an admin closed the concert permanently.
    pub closed: bool,
    /// The concert's rules.
    #[serde(flatten)]
    pub policy: Policy,
}

impl Policy {
    /// Creates a policy from the given fields and the defaults of the rest, or returns the first
    /// field that is not allowed. `title` is required.
    pub fn create(fields: PolicyChange) -> Result<Self, PolicyField> {
        Self::default().changed(fields)
    }

    /// Returns this policy with a change applied, or the first field that is not allowed.
    pub fn changed(&self, change: PolicyChange) -> Result<Self, PolicyField> {
        let policy = self.with(change);
        match policy.first_refused() {
            Some(field) => Err(field),
            None => Ok(policy),
        }
    }

    /// Returns whether this policy admits more slowly than another while slots are free: in smaller
    /// or rarer groups, later, only by hand, or into fewer slots.
    pub fn is_slower_than(&self, other: &Self) -> bool {
        let takes = |group: &Self, interval: &Self| {
            u64::from(group.group_size) * u64::from(interval.entry_interval_seconds)
        };
        let slots = |policy: &Self| policy.max_active.unwrap_or(u32::MAX);
        takes(self, other) < takes(other, self)
            || self.booking_start_at > other.booking_start_at
            || (other.auto_open && !self.auto_open)
            || slots(self) < slots(other)
    }

    fn first_refused(&self) -> Option<PolicyField> {
        let ends_first = self
            .booking_start_at
            .zip(self.booking_end_at)
            .is_some_and(|(start, end)| end <= start);
        let has_no_slots = self.mode == Mode::Threshold && self.max_active.is_none();
        // Browsers do not know these, which are in the database, too.
        let no_places = ["localtime", "posixrules", "Factory", "Etc/Unknown"];
        let is_no_place = |name: &&str| name.eq_ignore_ascii_case(&self.time_zone);
        let zone_is_unknown =
            no_places.iter().any(is_no_place) || jiff::tz::TimeZone::get(&self.time_zone).is_err();
        let together = [
            (PolicyField::BookingEndAt, ends_first),
            (PolicyField::TimeZone, zone_is_unknown),
            (PolicyField::MaxActive, has_no_slots),
        ];
        let refused = together.into_iter().find(|(_, refused)| *refused);
        self.beyond_its_bounds().or(refused.map(|(field, _)| field))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn change(fields: Value) -> PolicyChange {
        serde_json::from_value(fields).unwrap()
    }

    fn create(fields: Value) -> Result<Policy, PolicyField> {
        Policy::create(change(fields))
    }

    /// Returns the OpenAPI schema of each field, by its name on the wire.
    fn schemas() -> serde_json::Map<String, Value> {
        let schema = serde_json::to_value(PolicyChange::schema()).unwrap();
        schema["properties"].as_object().unwrap().clone()
    }

    #[test]
    fn the_defaults_are_those_of_the_founding_documents() {
        let policy = create(json!({"title": "x"})).unwrap();
        assert_eq!(
            serde_json::to_value(&policy).unwrap(),
            json!({
                "title": "x", "timeZone": "Asia/Seoul", "mode": "queue",
                "joinStartHours": 4, "entryIntervalSeconds": 30, "groupSize": 10,
                "maxWaitTimeMinutes": 120, "refuseLongWait": false, "holdDurationMinutes": 10,
                "waitingTtlSeconds": 300, "readyTtlSeconds": 300, "sessionMinutes": 10,
                "keepPlaceMinutes": 30, "autoOpen": true, "paused": false, "stopWhenSoldOut": true,
                "identity": "member"
            })
        );
    }

    #[test]
    fn the_documented_bounds_are_the_checked_bounds() {
        let schemas = schemas();
        assert_eq!(schemas.len(), PolicyField::ALL.len());
        for field in PolicyField::ALL {
            let (name, schema) = (field.name(), &schemas[field.name()]);
            let with = |value: Value| {
                let mut fields = json!({"title": "x"});
                fields[name] = value;
                create(fields)
            };
            if let (Some(min), Some(max)) = (schema["minimum"].as_u64(), schema["maximum"].as_u64())
            {
                assert!(
                    with(json!(min)).is_ok() && with(json!(max)).is_ok(),
                    "{name}"
                );
                assert_eq!(with(json!(max + 1)), Err(*field));
                if let Some(below) = min.checked_sub(1) {
                    assert_eq!(with(json!(below)), Err(*field));
                }
            }
            if let Some(longest) = schema["maxLength"].as_u64() {
                let text = |length: u64| json!("가".repeat(length as usize));
                assert!(with(text(longest)).is_ok(), "{name}");
                assert_eq!(with(text(longest + 1)), Err(*field));
            }
        }
    }

    #[test]
    fn texts_for_people_have_no_characters_that_do_more_than_show() {
        for bad in [
            "\0", "\t", "\r\n", "\u{7f}", "\u{9b}", "\u{202e}", "\u{2066}", "\u{2028}",
        ] {
            let text = format!("a{bad}b");
            let refused = create(json!({ "title": text }));
            assert_eq!(refused, Err(PolicyField::Title), "{bad:?}");
            let refused = create(json!({ "title": "x", "notice": text }));
            assert_eq!(refused, Err(PolicyField::Notice), "{bad:?}");
        }
        let lines = "첫째 줄\n둘째 줄 🎫 ‎שלום";
        assert!(create(json!({ "title": "x", "notice": lines })).is_ok());
        assert_eq!(create(json!({ "title": lines })), Err(PolicyField::Title));
    }

    #[test]
    fn fields_that_must_agree_are_checked_together() {
        for (fields, field) in [
            (json!({}), PolicyField::Title),
            (json!({"title": "  "}), PolicyField::Title),
            (json!({"title": null}), PolicyField::Title),
            (
                json!({"title": "x", "timeZone": "Mars/Olympus"}),
                PolicyField::TimeZone,
            ),
            (
                json!({"title": "x", "mode": "threshold"}),
                PolicyField::MaxActive,
            ),
            (
                json!({"title": "x", "bookingStartAt": "2026-11-20T05:00:00Z",
                    "bookingEndAt": "2026-11-20T05:00:00Z"}),
                PolicyField::BookingEndAt,
            ),
        ] {
            assert_eq!(create(fields.clone()), Err(field), "{fields}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_or_an_unknown_field_is_refused() {
        for fields in [
            json!({"title": 1}),
            json!({"bookingStartAt": "2026-11-20"}),
            json!({"mode": "QUEUE"}),
            json!({"groupSize": "10"}),
            json!({"groupSize": 1.5}),
            json!({"autoOpen": 1}),
            json!({"notice": []}),
            json!({"color": 1}),
        ] {
            assert!(
                serde_json::from_value::<PolicyChange>(fields.clone()).is_err(),
                "{fields}"
            );
        }
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let policy = create(json!({"title": "x", "maxActive": 5, "groupSize": 7})).unwrap();
        let fields = json!({"maxActive": null, "groupSize": null, "paused": true});
        let patched = policy.changed(change(fields)).unwrap();
        assert_eq!(
            (patched.max_active, patched.group_size, patched.paused),
            (None, 10, true)
        );
        assert_eq!(patched.title, "x");
    }

    #[test]
    fn a_new_concert_takes_its_id_and_the_fields_of_a_change() {
        let fields = json!({"title": "x", "groupSize": 7, "notice": null});
        let mut body = fields.clone();
        body["concertId"] = json!("c");
        let new: NewConcert = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(new.policy(), change(fields));
        assert_eq!(serde_json::to_value(&new).unwrap(), body);
    }

    /// Returns 10000 as "10,000".
    fn grouped(number: &Value) -> String {
        let digits = number.to_string();
        let of_three: Vec<_> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(String::from_utf8_lossy)
            .collect();
        of_three.join(",")
    }

    #[test]
    fn the_manual_lists_every_field_with_its_default_and_bounds() {
        let manual = include_str!("../../../docs/api.md");
        let section = manual.split("\n## The policy\n").nth(1).unwrap();
        let table = section.split("\n## ").next().unwrap();
        let rows: Vec<_> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        assert_eq!(rows.len(), PolicyField::ALL.len());
        let defaults = serde_json::to_value(Policy::default()).unwrap();
        for (name, schema) in schemas() {
            let default = match &defaults[&name] {
                Value::Null => "-".to_owned(),
                Value::String(text) if text.is_empty() => "required".to_owned(),
                Value::String(text) => format!("`{text}`"),
                other => other.to_string(),
            };
            let start = format!("| `{name}` | {default} | ");
            let found = rows.iter().find(|row| row.starts_with(&start));
            let row = found.unwrap_or_else(|| panic!("docs/api.md lacks {start}"));
            let bounds = |least: &str, most: &str, unit: &str| {
                let known = schema.get(most)?;
                Some(format!(
                    "{}-{}{unit} |",
                    grouped(&schema[least]),
                    grouped(known)
                ))
            };
            let number = bounds("minimum", "maximum", "");
            let length = bounds("minLength", "maxLength", " characters");
            if let Some(bounds) = number.or(length) {
                assert!(row[start.len()..].starts_with(&bounds), "{row}: {bounds}");
            }
        }
    }
}
