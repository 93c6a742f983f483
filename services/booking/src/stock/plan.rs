//! The plan of what an operator puts on sale.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sunbeon_chassis::extract::objects;
use sunbeon_domain::{Field, is_plain};
use utoipa::ToSchema;

use super::{Section, TicketId};

/// The stock of one concert, as sent to `PUT /v2/stock/{concertId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!(
    {"perMemberLimit": 4, "sections": [{"section": "R", "price": 99000, "rows": 10,
    "seatsPerRow": 20}], "tickets": [{"ticketId": "standing", "name": "Standing", "price": 55000,
    "quantity": 500}]}))]
pub struct Plan {
    /// How many seats and tickets together one member may have, 1-100.
    #[schema(minimum = 1, maximum = 100)]
    pub per_member_limit: u32,
    /// Sections of numbered seats: up to 100 sections with 20,000 seats in all.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 100)]
    pub sections: Vec<PlannedSection>,
    /// Counted tickets, up to 100 kinds.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 100)]
    pub tickets: Vec<PlannedTicket>,
}

/// A rectangle of numbered seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedSection {
    /// 1-20 of `[A-Za-z0-9_-]`, unique in the plan.
    pub section: Section,
    /// The price of one seat, in the smallest unit of the shop's currency, up to 1,000,000,000.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub price: u64,
    /// 1-200.
    #[schema(minimum = 1, maximum = 200)]
    pub rows: u32,
    /// 1-200.
    #[schema(minimum = 1, maximum = 200)]
    pub seats_per_row: u32,
}

/// A kind of ticket without a seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedTicket {
    /// Unique in the plan.
    pub ticket_id: TicketId,
    /// The name shown to fans; 1-100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The price of one ticket, in the smallest unit of the shop's currency, up to 1,000,000,000.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub price: u64,
    /// The number of tickets, 0-10,000,000.
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub quantity: u32,
}

const MOST_SEATS: u64 = 20_000;
const MOST_KINDS: usize = 100;
const MOST_MONEY: u64 = 1_000_000_000;

impl Plan {
    /// Checks every bound and returns the first field that is out of bounds. An empty plan is
    /// reported as `sections`.
    pub fn check(&self) -> Result<(), Field> {
        if !(1..=100).contains(&self.per_member_limit) {
            return Err(Field::PerMemberLimit);
        }
        let empty = self.sections.is_empty() && self.tickets.is_empty();
        let names: HashSet<_> = self.sections.iter().map(|one| &one.section).collect();
        let good = !empty
            && self.sections.len() <= MOST_KINDS
            && names.len() == self.sections.len()
            && self.sections.iter().all(PlannedSection::is_good)
            && self.sections.iter().map(PlannedSection::seats).sum::<u64>() <= MOST_SEATS;
        if !good {
            return Err(Field::Sections);
        }
        let ids: HashSet<_> = self.tickets.iter().map(|one| &one.ticket_id).collect();
        let good = self.tickets.len() <= MOST_KINDS
            && ids.len() == self.tickets.len()
            && self.tickets.iter().all(PlannedTicket::is_good);
        good.then_some(()).ok_or(Field::Tickets)
    }
}

impl PlannedSection {
    fn is_good(&self) -> bool {
        (1..=200).contains(&self.rows)
            && (1..=200).contains(&self.seats_per_row)
            && self.price <= MOST_MONEY
    }

    fn seats(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.seats_per_row)
    }
}

impl PlannedTicket {
    fn is_good(&self) -> bool {
        !self.name.trim().is_empty()
            && self.name.chars().count() <= 100
            && is_plain(&self.name)
            && self.price <= MOST_MONEY
            && self.quantity <= 10_000_000
    }
}
