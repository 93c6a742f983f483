//! What a shop has left, as it reports it to the line.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Field, UnixMs, given, is_plain};

const MOST_LEFT: u32 = 10_000_000;
const MOST_MONEY: u64 = 1_000_000_000;

/// One price tier of a concert, and how much of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tier {
    /// The name shown to fans; 1-100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The price of one, in the smallest unit of the shop's currency, up to 1,000,000,000.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub price: Option<u64>,
    /// How many can be had now, 0-10,000,000.
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub left: u32,
}

impl Tier {
    fn is_good(&self) -> bool {
        !self.name.trim().is_empty()
            && self.name.chars().count() <= 100
            && is_plain(&self.name)
            && self.price.is_none_or(|price| price <= MOST_MONEY)
            && self.left <= MOST_LEFT
    }
}

/// A shop's report of what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockReport {
    /// The price tiers, in the order in which they are shown.
    pub tiers: Vec<Tier>,
    /// How many are held or not paid yet, of all tiers together: they may come back.
    pub held: u32,
}

impl StockReport {
    /// The most price tiers of a concert.
    pub const MOST_TIERS: usize = 64;
    /// The age in milliseconds from which on a report says nothing.
    pub const STALE_MS: i64 = 60_000;

    /// Checks every bound and returns the first field that is out of bounds.
    pub fn check(&self) -> Result<(), Field> {
        let in_number = (1..=Self::MOST_TIERS).contains(&self.tiers.len());
        if !in_number || !self.tiers.iter().all(Tier::is_good) {
            return Err(Field::Tiers);
        }
        let good = self.held <= MOST_LEFT;
        good.then_some(()).ok_or(Field::Held)
    }

    /// Returns how many are left of all tiers together.
    pub fn left(&self) -> u64 {
        left(&self.tiers)
    }
}

/// What is left, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// The price tiers, in the shop's order.
    pub tiers: Vec<Tier>,
    /// When the shop reported it.
    pub reported_at: UnixMs,
}

impl Stock {
    /// Returns how many are left of all tiers together.
    pub fn left(&self) -> u64 {
        left(&self.tiers)
    }
}

fn left(tiers: &[Tier]) -> u64 {
    tiers.iter().map(|tier| u64::from(tier.left)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(name: &str, price: Option<u64>, left: u32) -> Tier {
        let name = name.to_owned();
        Tier { name, price, left }
    }

    fn checked(tiers: Vec<Tier>, held: u32) -> Result<(), Field> {
        StockReport { tiers, held }.check()
    }

    #[test]
    fn a_report_out_of_bounds_is_refused_by_its_field() {
        let good = || tier("스탠딩", Some(99_000), 3);
        assert_eq!(checked(vec![good(); 64], 10_000_000), Ok(()));
        assert_eq!(checked(vec![tier("R", None, 10_000_000)], 0), Ok(()));
        for bad in [
            tier("", None, 1),
            tier("  ", None, 1),
            tier("a\nb", None, 1),
            tier("\u{202e}R", None, 1),
            tier(&"가".repeat(101), None, 1),
            tier("R", Some(1_000_000_001), 1),
            tier("R", None, 10_000_001),
        ] {
            assert_eq!(
                checked(vec![good(), bad.clone()], 0),
                Err(Field::Tiers),
                "{bad:?}"
            );
        }
        assert_eq!(checked(vec![good(); 65], 0), Err(Field::Tiers));
        assert_eq!(checked(vec![], 0), Err(Field::Tiers));
        assert_eq!(checked(vec![good()], 10_000_001), Err(Field::Held));
    }

    #[test]
    fn a_report_and_what_is_told_read_as_the_manual_says() {
        let report = StockReport {
            tiers: vec![tier("R", Some(150_000), 12), tier("S", None, 0)],
            held: 3,
        };
        assert_eq!(report.left(), 12);
        let tiers = r#"[{"name":"R","price":150000,"left":12},{"name":"S","left":0}]"#;
        let wire = serde_json::to_string(&report).unwrap();
        assert_eq!(wire, format!(r#"{{"tiers":{tiers},"held":3}}"#));
        let told = Stock {
            tiers: report.tiers,
            reported_at: UnixMs(1_763_616_600_000),
        };
        let wire = serde_json::to_string(&told).unwrap();
        let at = "2025-11-20T05:30:00.000Z";
        assert_eq!(wire, format!(r#"{{"tiers":{tiers},"reportedAt":"{at}"}}"#));
    }
}
