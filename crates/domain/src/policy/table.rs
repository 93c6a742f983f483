//! Every field of a policy, once: its name, type, default, bounds, code and messages.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Identity, Mode};
use crate::{ConcertId, Text, UnixMs, is_plain};

/// Expands one row per field: documentation, Rust name, type, default, variant, the end of its
/// code, name on the wire, `required` if a new concert needs it, and the rule. A rule consists of
/// `number 1 to 10`, `length 1 to 10` (characters of a text on one line, or with
/// `of lines` on several), `one of "a" "b"`, and `says`, a sentence in
/// both languages for a check that [`super::Policy`] makes itself.
macro_rules! policy {
    ($(
        $(#[doc = $doc:tt])*
        $(#[serde($($serde:tt)*)])?
        $name:ident: $type:ty = $default:expr, $variant:ident $code:literal $wire:literal $($required:ident)? {
            $(number $min:tt to $max:tt)?
            $(length $shortest:tt to $longest:tt $(of $lines:ident)?)?
            $(one of $first:literal $($choice:literal)*)?
            $(says $ko:literal $en:literal)?
        }
    )*) => {
        /// The rules of one concert.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase", default)]
        pub struct Policy {
            $(
                $(#[doc = $doc])*
                $(#[serde($($serde)*)])?
                $(#[schema(minimum = $min, maximum = $max)])?
                $(#[schema(min_length = $shortest, max_length = $longest)])?
                pub $name: $type,
            )*
        }

        impl Default for Policy {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// A change of a policy. Each field in it gets a new value, or its default if the value is
        /// null.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct PolicyChange {
            $(
                $(#[doc = $doc])*
                #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
                $(#[schema(minimum = $min, maximum = $max)])?
                $(#[schema(min_length = $shortest, max_length = $longest)])?
                pub $name: Option<Option<$type>>,
            )*
        }

        /// A new concert: its id, its title, and the fields that differ from the defaults.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[schema(example = json!(
            {"concertId": "tour", "title": "Tour", "groupSize": 50,
            "bookingStartAt": "2026-12-01T20:00:00+09:00"}))]
        pub struct NewConcert {
            /// The concert's id.
            #[schema(required)]
            pub concert_id: Option<ConcertId>,
            $(
                $(#[doc = $doc])*
                #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
                $(#[schema(minimum = $min, maximum = $max)])?
                $(#[schema(min_length = $shortest, max_length = $longest)])?
                $(#[schema($required)])?
                pub $name: Option<Option<$type>>,
            )*
        }

        impl NewConcert {
            /// Returns the policy's fields as a change of the defaults.
            pub fn policy(&self) -> PolicyChange {
                PolicyChange { $($name: self.$name.clone(),)* }
            }
        }

        /// A field of a policy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PolicyField {
            $(#[doc = concat!("`", $wire, "`")] $variant,)*
        }

        impl PolicyField {
            /// Every field, in the order of [`Policy`].
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the field's name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                }
            }

            /// Returns the least and the largest value, of a number.
            pub fn bounds(self) -> Option<(u32, u32)> {
                let bounds: &[_] = match self {
                    $(Self::$variant => &[$(($min, $max))?],)*
                };
                bounds.first().copied()
            }

            /// Returns the code for a malformed value, and the rule as a message.
            pub(crate) const fn entry(self) -> (&'static str, Text) {
                match self {
                    $(Self::$variant => (
                        concat!("INVALID_", $code),
                        Text {
                            ko: grouped!(concat!(
                                $wire, ":"
                                $(, " ", stringify!($min), "부터 ", stringify!($max), "까지의 정수를 적어 주세요.")?
                                $(, " ", stringify!($shortest), "~", stringify!($longest), "자로 적어 주세요.")?
                                $(, " ", $first $(, ", ", $choice)*, " 중 하나로 보내 주세요.")?
                                $(, " ", $ko)?
                            )),
                            en: grouped!(concat!(
                                $wire
                                $(, " must be a whole number from ", stringify!($min), " to ", stringify!($max), ".")?
                                $(, " must be a text of ", stringify!($shortest), " to ", stringify!($longest), " characters.")?
                                $(, " must be one of ", $first $(, ", ", $choice)*, ".")?
                                $(, " ", $en)?
                            )),
                        },
                    ),)*
                }
            }
        }

        impl Policy {
            /// Returns this policy with a change applied but not checked.
            pub(super) fn with(&self, change: PolicyChange) -> Self {
                let default = Self::default();
                Self {
                    $($name: match change.$name {
                        None => self.$name.clone(),
                        Some(value) => value.unwrap_or(default.$name),
                    },)*
                }
            }

            /// Returns the first field whose value is out of bounds.
            pub(super) fn beyond_its_bounds(&self) -> Option<PolicyField> {
                $(
                    $(if !is_within(self.$name, $min, $max) {
                        return Some(PolicyField::$variant);
                    })?
                    $(if !is_text(&self.$name, $shortest, $longest, &[$(stringify!($lines))?]) {
                        return Some(PolicyField::$variant);
                    })?
                )*
                None
            }
        }
    };
}

/// Replaces the `_` between digits, as written in Rust, by a comma, as written for people.
macro_rules! grouped {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const GROUPED: [u8; TEXT.len()] = commas(TEXT);
        match str::from_utf8(&GROUPED) {
            Ok(text) => text,
            Err(_) => panic!("replacing an ASCII character leaves UTF-8"),
        }
    }};
}

const fn commas<const N: usize>(text: &str) -> [u8; N] {
    let (text, mut grouped, mut at) = (text.as_bytes(), [0; N], 0);
    while at < N {
        grouped[at] = if text[at] == b'_' { b',' } else { text[at] };
        at += 1;
    }
    grouped
}

fn is_within(value: impl Into<Option<u32>>, min: u32, max: u32) -> bool {
    value
        .into()
        .is_none_or(|value| (min..=max).contains(&value))
}

/// Checks that a text can be shown to people, and its length, without counting spaces at either end
/// towards the minimum. `lines` is empty if the text must be on one line.
fn is_text<'a>(
    text: impl Into<Option<&'a String>>,
    shortest: usize,
    longest: usize,
    lines: &[&str],
) -> bool {
    let on_its_lines = |text: &str| match lines {
        [] => is_plain(text),
        _ => text.split('\n').all(is_plain),
    };
    text.into().is_none_or(|text| {
        text.trim().chars().count() >= shortest
            && text.chars().count() <= longest
            && on_its_lines(text)
    })
}

/// Distinguishes a field that is null from one that is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

policy! {
    /// The title shown to fans.
    title: String = String::new(), Title "TITLE" "title" required {
        length 1 to 200
        says "줄바꿈과 제어 문자는 쓸 수 없습니다." "It must not contain line breaks or control characters."
    }
    /// When booking starts. If left out: immediately.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_start_at: Option<UnixMs> = None, BookingStartAt "BOOKING_START_AT" "bookingStartAt" {
        says "RFC 3339 시각으로 보내 주세요." "must be an RFC 3339 time."
    }
    /// When booking ends. If left out: when an admin closes the concert.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_end_at: Option<UnixMs> = None, BookingEndAt "BOOKING_END_AT" "bookingEndAt" {
        says "bookingStartAt보다 늦은 RFC 3339 시각으로 보내 주세요."
            "must be an RFC 3339 time after bookingStartAt."
    }
    /// The IANA name of the time zone for `estimatedEnterTime`.
    time_zone: String = "Asia/Seoul".into(), TimeZone "TIME_ZONE" "timeZone" {
        says "IANA 시간대 이름으로 보내 주세요." "must be the name of an IANA time zone."
    }
    /// How the line is run.
    mode: Mode = Mode::Queue, Mode "MODE" "mode" { one of "queue" "threshold" "off" }
    /// How many hours before `bookingStartAt` members may line up.
    join_start_hours: u32 = 4, JoinStartHours "JOIN_START_HOURS" "joinStartHours" { number 0 to 720 }
    /// The seconds between two scheduled takes.
    entry_interval_seconds: u32 = 30, EntryIntervalSeconds "ENTRY_INTERVAL_SECONDS" "entryIntervalSeconds" {
        number 1 to 3_600
    }
    /// The number of people in one scheduled take.
    group_size: u32 = 10, GroupSize "GROUP_SIZE" "groupSize" { number 1 to 10_000 }
    /// Minutes; a longer estimate sets `longWait`.
    max_wait_time_minutes: u32 = 120, MaxWaitTimeMinutes "MAX_WAIT_TIME_MINUTES" "maxWaitTimeMinutes" {
        number 1 to 10_080
    }
    /// Whether new entries are refused while the estimate exceeds `maxWaitTimeMinutes`.
    refuse_long_wait: bool = false, RefuseLongWait "REFUSE_LONG_WAIT" "refuseLongWait" { one of "true" "false" }
    /// How long a seat is held, in minutes.
    hold_duration_minutes: u32 = 10, HoldDurationMinutes "HOLD_DURATION_MINUTES" "holdDurationMinutes" {
        number 1 to 120
    }
    /// Seconds after which a waiting member who was not seen is away.
    waiting_ttl_seconds: u32 = 300, WaitingTtlSeconds "WAITING_TTL_SECONDS" "waitingTtlSeconds" {
        number 30 to 3_600
    }
    /// Seconds that a called member has to fetch the booking token.
    ready_ttl_seconds: u32 = 300, ReadyTtlSeconds "READY_TTL_SECONDS" "readyTtlSeconds" { number 10 to 3_600 }
    /// How long a booking token and its slot last, in minutes.
    session_minutes: u32 = 10, SessionMinutes "SESSION_MINUTES" "sessionMinutes" { number 1 to 120 }
    /// Minutes for which the place of an away member is kept.
    keep_place_minutes: u32 = 30, KeepPlaceMinutes "KEEP_PLACE_MINUTES" "keepPlaceMinutes" { number 0 to 1_440 }
    /// The maximum length of the line. If left out: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_queue_size: Option<u32> = None, MaxQueueSize "MAX_QUEUE_SIZE" "maxQueueSize" { number 1 to 10_000_000 }
    /// The number of slots. If left out: no limit. Required in mode `threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_active: Option<u32> = None, MaxActive "MAX_ACTIVE" "maxActive" {
        number 1 to 10_000_000
        says "mode가 threshold이면 꼭 필요합니다." "Mode threshold requires it."
    }
    /// Whether the schedule admits people; if `false`, only `open` does.
    auto_open: bool = true, AutoOpen "AUTO_OPEN" "autoOpen" { one of "true" "false" }
    /// While true, neither the schedule nor the fast path admits anybody.
    paused: bool = false, Paused "PAUSED" "paused" { one of "true" "false" }
    /// Whether nobody is called while the shop reports that nothing is left, and no more than are left
    /// otherwise.
    stop_when_sold_out: bool = true, StopWhenSoldOut "STOP_WHEN_SOLD_OUT" "stopWhenSoldOut" {
        one of "true" "false"
    }
    /// Seconds after which the session of a member whose shop page is gone ends, while others wait and the member
    /// holds nothing. If left out: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_shop_seconds: Option<u32> = None, IdleShopSeconds "IDLE_SHOP_SECONDS" "idleShopSeconds" {
        number 10 to 3_600
    }
    /// Who may line up.
    identity: Identity = Identity::Member, Identity "IDENTITY" "identity" { one of "member" "guest" }
    /// A text from the operator, shown to everyone in line.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String> = None, Notice "NOTICE" "notice" {
        length 0 to 1_000 of lines
        says "줄바꿈 말고 다른 제어 문자는 쓸 수 없습니다." "Apart from line breaks, it must not contain control characters."
    }
}
