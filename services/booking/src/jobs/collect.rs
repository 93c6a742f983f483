//! Announcing holds and bookings that have expired. They ended by the clock, whether or not this
//! job runs.

use std::time::Duration;

use parking_lot::Mutex;
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use sunbeon_domain::UnixMs;
use tokio_util::sync::CancellationToken;

use super::announce::Announcer;
use crate::stock::Stock;

const EVERY: Duration = Duration::from_secs(1);
/// How many seats to release before announcing them.
const AT_ONCE: u32 = 50;
/// How many such batches a round may do.
const TIMES: u32 = 20;

pub(crate) async fn run(stock: &Stock, announcer: &Announcer, shutdown: &CancellationToken) {
    let looked = Mutex::new(None);
    tokio::join!(
        Rounds::every(EVERY, "collect").run(shutdown, || seats(stock, announcer)),
        Rounds::every(EVERY, "tickets").run(shutdown, || tickets(stock, announcer, &looked)),
    );
}

async fn seats(stock: &Stock, announcer: &Announcer) -> Result<(), DatabaseError> {
    for _ in 0..TIMES {
        let all = stock.collect(AT_ONCE).await?;
        for freed in &all {
            announcer.released(&freed.concert_id, &freed.seat_ids);
        }
        let freed: usize = all.iter().map(|freed| freed.seat_ids.len()).sum();
        if freed < AT_ONCE as usize {
            break;
        }
    }
    Ok(())
}

/// Announces the tickets that have become free since the last look.
async fn tickets(
    stock: &Stock,
    announcer: &Announcer,
    looked: &Mutex<Option<UnixMs>>,
) -> Result<(), DatabaseError> {
    let last = || looked.lock();
    let since = *last();
    let (now, concerts) = stock.tickets_freed(since).await?;
    *last() = Some(now);
    for concert in &concerts {
        announcer.tickets_moved(concert);
    }
    Ok(())
}
