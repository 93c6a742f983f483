//! Bookings as CSV.

use std::borrow::Cow;

use csv::WriterBuilder;
use serde::Serialize;
use sunbeon_domain::UnixMs;

use super::IsFirst;
use crate::stock::{BookingState, MembersBooking, PaymentState};

const HEADER: [&str; 14] = [
    "bookingId",
    "concertId",
    "memberId",
    "entryNumber",
    "state",
    "amount",
    "seats",
    "tickets",
    "paymentId",
    "paymentState",
    "createdAt",
    "expiresAt",
    "confirmedAt",
    "cancelledAt",
];

/// One line, its fields in the order of the header.
#[derive(Serialize)]
struct Line<'a> {
    booking_id: String,
    concert_id: Cow<'a, str>,
    member_id: Cow<'a, str>,
    entry_number: Option<u64>,
    state: BookingState,
    amount: u64,
    /// Their ids, with spaces between them.
    seats: String,
    /// `<ticketId>=<quantity>`, with spaces between them.
    tickets: String,
    payment_id: Cow<'a, str>,
    payment_state: Option<PaymentState>,
    created_at: UnixMs,
    expires_at: UnixMs,
    confirmed_at: Option<UnixMs>,
    cancelled_at: Option<UnixMs>,
}

impl<'a> From<&'a MembersBooking> for Line<'a> {
    fn from(of: &'a MembersBooking) -> Self {
        let booking = &of.booking;
        let payment = of.payment.as_ref();
        let seats: Vec<_> = booking
            .seats
            .iter()
            .map(|seat| seat.seat_id.as_str())
            .collect();
        let tickets = booking.tickets.iter();
        let tickets: Vec<_> = tickets
            .map(|ticket| format!("{}={}", ticket.ticket_id, ticket.quantity))
            .collect();
        Self {
            booking_id: booking.booking_id.to_string(),
            concert_id: no_formula(booking.concert_id.as_str()),
            member_id: no_formula(of.member_id.as_str()),
            entry_number: of.entry_number.map(|entry| entry.0),
            state: booking.state,
            amount: booking.amount,
            seats: no_formula(&seats.join(" ")).into_owned(),
            tickets: no_formula(&tickets.join(" ")).into_owned(),
            payment_id: no_formula(payment.map_or("", |payment| &payment.payment_id)),
            payment_state: payment.map(|payment| payment.state),
            created_at: booking.created_at,
            expires_at: booking.expires_at,
            confirmed_at: booking.confirmed_at,
            cancelled_at: booking.cancelled_at,
        }
    }
}

/// Puts an apostrophe in front of a text that a spreadsheet would take for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn no_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// Returns the lines of bookings, the header in front of the first.
pub(super) fn encode(bookings: &[MembersBooking], is_first: IsFirst) -> anyhow::Result<Vec<u8>> {
    let mut lines = WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    if is_first {
        lines.write_record(HEADER)?;
    }
    for booking in bookings {
        lines.serialize(Line::from(booking))?;
    }
    Ok(lines.into_inner()?)
}
