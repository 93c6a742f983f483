//! A concert's policy: names, defaults and bounds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{ConcertId, Field, MemberId, UnixMs};

/// Who is let in line at once, and who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everyone lines up; batches open by hand and, from `bookingStartAt`, on schedule.
    #[default]
    Queue,
    /// Up to `maxActive` go straight in; the rest line up and are admitted as slots free.
    Threshold,
    /// No line: `enter` answers READY, without regard to `maxActive`.
    Off,
}

/// Who may stand in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// Holders of the shop's access token.
    #[default]
    Member,
    /// Holders of a guest token too.
    Guest,
}

impl Identity {
    /// Returns whether a member may stand in the line.
    pub fn allows(self, member: &MemberId) -> bool {
        self == Self::Guest || !member.is_guest()
    }
}

/// The rules of one concert. Field for field what `POST /v2/admin/concerts` takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    /// Shown to the fan; 1-200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Left out: open from creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_start_at: Option<UnixMs>,
    /// Left out: open until closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_end_at: Option<UnixMs>,
    /// IANA name; the zone of `estimatedEnterTime`.
    pub time_zone: String,
    /// How the line is run.
    pub mode: Mode,
    /// Hours before `bookingStartAt` from which one may line up, 0-720.
    #[schema(minimum = 0, maximum = 720)]
    pub join_start_hours: u32,
    /// Seconds between two scheduled takes, 1-3,600.
    #[schema(minimum = 1, maximum = 3600)]
    pub entry_interval_seconds: u32,
    /// People in one scheduled take, 1-10,000.
    #[schema(minimum = 1, maximum = 10_000)]
    pub group_size: u32,
    /// Minutes; an estimate beyond it sets `longWait`, 1-10,080.
    #[schema(minimum = 1, maximum = 10_080)]
    pub max_wait_time_minutes: u32,
    /// Whether an estimate beyond `maxWaitTimeMinutes` refuses a new entry.
    pub refuse_long_wait: bool,
    /// Life of a seat hold in minutes, 1-120.
    #[schema(minimum = 1, maximum = 120)]
    pub hold_duration_minutes: u32,
    /// Seconds unseen after which a waiting member is away, 30-3,600.
    #[schema(minimum = 30, maximum = 3600)]
    pub waiting_ttl_seconds: u32,
    /// Seconds in which a called member must fetch the booking token, 10-3,600.
    #[schema(minimum = 10, maximum = 3600)]
    pub ready_ttl_seconds: u32,
    /// Life of a booking token and its slot in minutes, 1-120.
    #[schema(minimum = 1, maximum = 120)]
    pub session_minutes: u32,
    /// Minutes for which the place of an away member is kept, 0-1,440.
    #[schema(minimum = 0, maximum = 1440)]
    pub keep_place_minutes: u32,
    /// Longest line, 1-10,000,000; left out: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub max_queue_size: Option<u32>,
    /// Slots, 1-10,000,000; left out: no limit. Required in mode `threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub max_active: Option<u32>,
    /// Whether the schedule admits; with `false` only `open` does.
    pub auto_open: bool,
    /// Nobody is admitted by the schedule or the fast path while set.
    pub paused: bool,
    /// Who may line up.
    pub identity: Identity,
    /// A text of the operator's, shown to everyone waiting; up to 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub notice: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            title: String::new(),
            booking_start_at: None,
            booking_end_at: None,
            time_zone: "Asia/Seoul".into(),
            mode: Mode::Queue,
            join_start_hours: 4,
            entry_interval_seconds: 30,
            group_size: 10,
            max_wait_time_minutes: 120,
            refuse_long_wait: false,
            hold_duration_minutes: 10,
            waiting_ttl_seconds: 300,
            ready_ttl_seconds: 300,
            session_minutes: 10,
            keep_place_minutes: 30,
            max_queue_size: None,
            max_active: None,
            auto_open: true,
            paused: false,
            identity: Identity::Member,
            notice: None,
        }
    }
}

/// A concert as every replica knows it: its policy, and which version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "version": 1, "closed": false, "title": "Demo Concert",
    "timeZone": "Asia/Seoul", "mode": "queue", "joinStartHours": 4, "entryIntervalSeconds": 30,
    "groupSize": 10, "maxWaitTimeMinutes": 120, "refuseLongWait": false,
    "holdDurationMinutes": 10, "waitingTtlSeconds": 300, "readyTtlSeconds": 300,
    "sessionMinutes": 10, "keepPlaceMinutes": 30, "autoOpen": true, "paused": false,
    "identity": "member", "bookingStartAt": "2026-11-20T05:00:00.000Z"}))]
pub struct Concert {
    /// The concert's id.
    pub concert_id: ConcertId,
    /// Grows by one with every change; an older version never overwrites a newer one.
    pub version: u64,
    /// Closed for good by an admin.
    pub closed: bool,
    /// The rules.
    #[serde(flatten)]
    pub policy: Policy,
}

/// Why a set of fields is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// A known field holds what it may not hold.
    #[error("{0:?} is out of its bounds or of the wrong type")]
    Field(Field),
    /// There is no such field.
    #[error("there is no field {0:?}")]
    Unknown(String),
}

impl Policy {
    /// A new policy from the fields given, the defaults for the rest. `title` is required.
    pub fn create(fields: Map<String, Value>) -> Result<Self, InvalidPolicy> {
        Self::default().patched(fields)
    }

    /// This policy with the fields given in place of its own; `null` means the default.
    pub fn patched(&self, fields: Map<String, Value>) -> Result<Self, InvalidPolicy> {
        let mut policy = self.clone();
        for (name, value) in fields {
            policy.set(&name, value)?;
        }
        policy.check().map_err(InvalidPolicy::Field)?;
        Ok(policy)
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), InvalidPolicy> {
        let default = Self::default();
        macro_rules! read {
            ($field:ident, $code:ident) => {
                self.$field = match value {
                    Value::Null => default.$field,
                    value => serde_json::from_value(value)
                        .map_err(|_| InvalidPolicy::Field(Field::$code))?,
                }
            };
        }
        match name {
            "title" => read!(title, Title),
            "bookingStartAt" => read!(booking_start_at, BookingStartAt),
            "bookingEndAt" => read!(booking_end_at, BookingEndAt),
            "timeZone" => read!(time_zone, TimeZone),
            "mode" => read!(mode, Mode),
            "joinStartHours" => read!(join_start_hours, JoinStartHours),
            "entryIntervalSeconds" => read!(entry_interval_seconds, EntryIntervalSeconds),
            "groupSize" => read!(group_size, GroupSize),
            "maxWaitTimeMinutes" => read!(max_wait_time_minutes, MaxWaitTimeMinutes),
            "refuseLongWait" => read!(refuse_long_wait, RefuseLongWait),
            "holdDurationMinutes" => read!(hold_duration_minutes, HoldDurationMinutes),
            "waitingTtlSeconds" => read!(waiting_ttl_seconds, WaitingTtlSeconds),
            "readyTtlSeconds" => read!(ready_ttl_seconds, ReadyTtlSeconds),
            "sessionMinutes" => read!(session_minutes, SessionMinutes),
            "keepPlaceMinutes" => read!(keep_place_minutes, KeepPlaceMinutes),
            "maxQueueSize" => read!(max_queue_size, MaxQueueSize),
            "maxActive" => read!(max_active, MaxActive),
            "autoOpen" => read!(auto_open, AutoOpen),
            "paused" => read!(paused, Paused),
            "identity" => read!(identity, Identity),
            "notice" => read!(notice, Notice),
            unknown => return Err(InvalidPolicy::Unknown(unknown.to_owned())),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Field> {
        let title = self.title.trim().chars().count();
        let million = 1..=10_000_000;
        let order = match (self.booking_start_at, self.booking_end_at) {
            (Some(start), Some(end)) => start < end,
            _ => true,
        };
        let rules = [
            (Field::Title, (1..=200).contains(&title)),
            (Field::BookingEndAt, order),
            (
                Field::TimeZone,
                jiff::tz::TimeZone::get(&self.time_zone).is_ok(),
            ),
            (Field::JoinStartHours, self.join_start_hours <= 720),
            (
                Field::EntryIntervalSeconds,
                (1..=3600).contains(&self.entry_interval_seconds),
            ),
            (Field::GroupSize, (1..=10_000).contains(&self.group_size)),
            (
                Field::MaxWaitTimeMinutes,
                (1..=10_080).contains(&self.max_wait_time_minutes),
            ),
            (
                Field::HoldDurationMinutes,
                (1..=120).contains(&self.hold_duration_minutes),
            ),
            (
                Field::WaitingTtlSeconds,
                (30..=3600).contains(&self.waiting_ttl_seconds),
            ),
            (
                Field::ReadyTtlSeconds,
                (10..=3600).contains(&self.ready_ttl_seconds),
            ),
            (
                Field::SessionMinutes,
                (1..=120).contains(&self.session_minutes),
            ),
            (Field::KeepPlaceMinutes, self.keep_place_minutes <= 1440),
            (
                Field::MaxQueueSize,
                self.max_queue_size.is_none_or(|n| million.contains(&n)),
            ),
            (
                Field::MaxActive,
                self.max_active.is_none_or(|n| million.contains(&n)),
            ),
            (
                Field::MaxActive,
                self.mode != Mode::Threshold || self.max_active.is_some(),
            ),
            (
                Field::Notice,
                self.notice
                    .as_ref()
                    .is_none_or(|n| n.chars().count() <= 1000),
            ),
        ];
        rules
            .into_iter()
            .find(|(_, ok)| !ok)
            .map_or(Ok(()), |(field, _)| Err(field))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn create(fields: Value) -> Result<Policy, InvalidPolicy> {
        let Value::Object(fields) = fields else {
            panic!("an object")
        };
        Policy::create(fields)
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
                "keepPlaceMinutes": 30, "autoOpen": true, "paused": false, "identity": "member"
            })
        );
    }

    #[test]
    fn what_is_out_of_bounds_names_its_field() {
        use Field::*;
        for (name, field, bad) in [
            (
                "title",
                Title,
                vec![json!(""), json!("  "), json!("x".repeat(201)), json!(1)],
            ),
            (
                "bookingStartAt",
                BookingStartAt,
                vec![json!("soon"), json!(1), json!("2026-11-20")],
            ),
            ("timeZone", TimeZone, vec![json!("Mars/Olympus"), json!(9)]),
            ("mode", Mode, vec![json!("QUEUE"), json!("fifo"), json!(0)]),
            (
                "joinStartHours",
                JoinStartHours,
                vec![json!(721), json!(-1), json!(1.5), json!("4")],
            ),
            (
                "entryIntervalSeconds",
                EntryIntervalSeconds,
                vec![json!(0), json!(3601)],
            ),
            (
                "groupSize",
                GroupSize,
                vec![json!(0), json!(10_001), json!(-1), json!(true)],
            ),
            (
                "waitingTtlSeconds",
                WaitingTtlSeconds,
                vec![json!(29), json!(3601)],
            ),
            (
                "readyTtlSeconds",
                ReadyTtlSeconds,
                vec![json!(9), json!(3601)],
            ),
            ("sessionMinutes", SessionMinutes, vec![json!(0), json!(121)]),
            ("maxActive", MaxActive, vec![json!(0), json!(10_000_001)]),
            (
                "maxQueueSize",
                MaxQueueSize,
                vec![json!(0), json!(10_000_001)],
            ),
            ("autoOpen", AutoOpen, vec![json!("true"), json!(1)]),
            ("identity", Identity, vec![json!("anyone")]),
            ("notice", Notice, vec![json!("x".repeat(1001)), json!([])]),
        ] {
            for value in bad {
                let mut fields = json!({"title": "x"});
                fields[name] = value.clone();
                let got = create(fields).unwrap_err();
                assert_eq!(got, InvalidPolicy::Field(field), "{name}: {value}");
            }
        }
        assert_eq!(create(json!({})).unwrap_err(), InvalidPolicy::Field(Title));
        assert_eq!(
            create(json!({"title": "x", "color": 1})).unwrap_err(),
            InvalidPolicy::Unknown("color".into())
        );
        assert_eq!(
            create(json!({"title": "x", "mode": "threshold"})).unwrap_err(),
            InvalidPolicy::Field(MaxActive)
        );
        assert_eq!(
            create(
                json!({"title": "x", "bookingStartAt": "2026-11-20T05:00:00Z",
                "bookingEndAt": "2026-11-20T05:00:00Z"})
            )
            .unwrap_err(),
            InvalidPolicy::Field(BookingEndAt)
        );
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_restores_the_default() {
        let policy = create(json!({"title": "x", "maxActive": 5, "groupSize": 7})).unwrap();
        let fields = json!({"maxActive": null, "groupSize": null, "paused": true});
        let patched = policy.patched(fields.as_object().unwrap().clone()).unwrap();
        assert_eq!(
            (patched.max_active, patched.group_size, patched.paused),
            (None, 10, true)
        );
        assert_eq!(patched.title, "x");
    }
}
