//! A line's numbers as metrics. Every instance shows the same numbers, because they come from the
//! store.

use metrics::{counter, gauge};
use sunbeon_store::Snapshot;

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
}
