//! A line's numbers as metrics. Every instance shows the same numbers, because they come from the
//! store.

use metrics::{counter, gauge};
use sunbeon_domain::{Mode, Phase};
use sunbeon_store::{Held, Snapshot};

const HELD: [(Held, &str); 7] = [
    (Held::Paused, "paused"),
    (Held::WaitingRoomAway, "waitingRoomAway"),
    (Held::TokenAway, "tokenAway"),
    (Held::Silence, "silence"),
    (Held::SoldOut, "soldOut"),
    (Held::MaxActive, "maxActive"),
    (Held::Messages, "messages"),
];

/// Updates the metrics from a snapshot.
pub(crate) fn show(snapshot: &Snapshot) {
    let concert = snapshot.concert.concert_id.as_str();
    let (now, ever) = (&snapshot.counts, &snapshot.totals);
    let (waiting, away, admitting) = (now.waiting, now.away, now.admitting);
    for (state, n) in [
        ("waiting", waiting),
        ("away", away),
        ("admitting", admitting),
    ] {
        gauge!("sunbeon_line_length", "concert" => concert.to_owned(), "state" => state)
            .set(n as f64);
    }
    let ending = now.slots.saturating_sub(admitting + now.ready + now.inside);
    let (ready, inside) = (now.ready, now.inside);
    let slots = [
        ("admitting", admitting),
        ("ready", ready),
        ("inside", inside),
        ("ending", ending),
    ];
    for (kind, n) in slots {
        gauge!("sunbeon_slots", "concert" => concert.to_owned(), "kind" => kind).set(n as f64);
    }
    for (cause, n) in [
        ("left", ever.left),
        ("removed", ever.removed),
        ("lapsed", ever.lapsed),
        ("cleared", ever.cleared),
        ("unclaimed", ever.unclaimed),
        ("expired", ever.expired),
        ("completed", ever.completed),
        ("exited", ever.exited),
    ] {
        counter!("sunbeon_ended_total", "concert" => concert.to_owned(), "cause" => cause)
            .absolute(n);
    }
    counter!("sunbeon_guests_refused_total", "concert" => concert.to_owned())
        .absolute(snapshot.guests_refused);
    counter!("sunbeon_out_of_order_total", "concert" => concert.to_owned())
        .absolute(snapshot.out_of_order);
    let (open, schedule, enter) = (ever.by_open, ever.by_schedule, ever.by_enter);
    for (by, n) in [("open", open), ("schedule", schedule), ("enter", enter)] {
        counter!("sunbeon_admitted_total", "concert" => concert.to_owned(), "by" => by).absolute(n);
    }
    for (held, why) in HELD {
        let is_held = f64::from(u8::from(snapshot.held == Some(held)));
        gauge!("sunbeon_held", "concert" => concert.to_owned(), "why" => why).set(is_held);
    }
    gauge!("sunbeon_lost_entries", "concert" => concert.to_owned()).set(snapshot.lost() as f64);
    gauge!("sunbeon_overdue_seconds", "concert" => concert.to_owned()).set(overdue(snapshot));
    let policy = &snapshot.concert.policy;
    if let Some(limit) = policy.max_active.filter(|_| policy.mode != Mode::Off) {
        gauge!("sunbeon_max_active", "concert" => concert.to_owned()).set(f64::from(limit));
    }
}

/// Returns for how many seconds the schedule could have taken the first in line and has not.
fn overdue(snapshot: &Snapshot) -> f64 {
    let policy = &snapshot.concert.policy;
    let is_due = policy.auto_open && snapshot.phase() == Phase::Open && snapshot.held.is_none();
    let Some(front) = snapshot
        .front
        .filter(|_| is_due && snapshot.counts.waiting > 0)
    else {
        return 0.0;
    };
    let interval = i64::from(policy.entry_interval_seconds) * 1_000;
    let entered = i64::try_from(front.0 / 1_000).unwrap_or(i64::MAX);
    let last = snapshot
        .line_facts
        .last_take_at
        .map(|last| last.0 + interval);
    let start = policy.booking_start_at.map(|start| start.0);
    let since = [last, start].into_iter().flatten().fold(entered, i64::max);
    (snapshot.at.0 - since).max(0) as f64 / 1_000.0
}
