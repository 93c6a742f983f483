//! Moments by the store's clock.

use std::{fmt, ops::Add};

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use crate::Language;

/// Milliseconds since the Unix epoch. Written as RFC 3339 in UTC with milliseconds, such as
/// `2026-11-20T05:00:00.000Z`, and read with any RFC 3339 offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-20T05:00:00.000Z")]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// The earliest and the latest moment in a policy: the years 2000 to 2199.
    pub const RANGE: (Self, Self) = (Self(946_684_800_000), Self(7_258_118_399_999));

    /// Parses RFC 3339; returns `None` for anything else and for moments outside [`UnixMs::RANGE`].
    pub fn parse(text: &str) -> Option<Self> {
        let ms = Self(text.parse::<Timestamp>().ok()?.as_millisecond());
        (Self::RANGE.0 <= ms && ms <= Self::RANGE.1).then_some(ms)
    }

    /// Returns the moment as a `jiff` timestamp.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX)
    }

    /// Returns the local time in a time zone as `HH:mm:ss`, or UTC if the zone is unknown.
    pub fn local_time(self, time_zone: &str) -> String {
        let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.timestamp()
            .to_zoned(zone)
            .strftime("%H:%M:%S")
            .to_string()
    }

    /// Returns the local day and time in a time zone, or UTC if the zone is unknown, as a page shows it:
    /// `12월 24일 (목) 19:00`, `Thu 24 Dec, 19:00`.
    pub fn local_moment(self, time_zone: &str, language: Language) -> String {
        const DAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];
        let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let local = self.timestamp().to_zoned(zone);
        let day = local.weekday().to_monday_zero_offset();
        let day = usize::try_from(day).map_or("", |day| DAYS[day]);
        match language {
            Language::Korean => {
                let format = format!("%-m월 %-d일 ({day}) %H:%M");
                local.strftime(&format).to_string()
            }
            Language::English => local.strftime("%a %-d %b, %H:%M").to_string(),
        }
    }

    /// Returns whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Add<i64> for UnixMs {
    type Output = Self;
    fn add(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLISECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        f.write_str(&MILLISECONDS.timestamp_to_string(&self.timestamp()))
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("must be an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_utc_with_milliseconds() {
        let moment = UnixMs::parse("2026-11-20T14:00:00+09:00").unwrap();
        assert_eq!(moment.to_string(), "2026-11-20T05:00:00.000Z");
        assert_eq!(
            UnixMs::parse("2026-11-20T05:00:00.0129Z").unwrap().0 % 1000,
            12
        );
    }

    #[test]
    fn a_page_shows_the_local_day_and_time() {
        let moment = UnixMs::parse("2026-12-24T10:00:00Z").unwrap();
        let shown = |language| moment.local_moment("Asia/Seoul", language);
        assert_eq!(shown(Language::Korean), "12월 24일 (목) 19:00");
        assert_eq!(shown(Language::English), "Thu 24 Dec, 19:00");
        let elsewhere = moment.local_moment("America/New_York", Language::English);
        assert_eq!(elsewhere, "Thu 24 Dec, 05:00");
        let nowhere = moment.local_moment("Nowhere/At_All", Language::English);
        assert_eq!(nowhere, "Thu 24 Dec, 10:00");
    }

    #[test]
    fn an_invalid_moment_is_refused() {
        for bad in [
            "",
            "tomorrow",
            "2026-11-20",
            "2026-11-20T14:00:00",
            "1763640000",
        ] {
            assert_eq!(UnixMs::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn local_time_uses_the_concerts_time_zone() {
        let moment = UnixMs::parse("2026-11-20T05:30:00Z").unwrap();
        assert_eq!(moment.local_time("Asia/Seoul"), "14:30:00");
        assert_eq!(moment.local_time("America/New_York"), "00:30:00");
    }
}
