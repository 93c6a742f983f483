//! Holds that ran out. They ended by the clock; this tells those who look at seats and tickets.

use std::time::Duration;

use parking_lot::Mutex;
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use sunbeon_domain::UnixMs;
use tokio_util::sync::CancellationToken;

use super::announce::Announcer;
use crate::stock::Stock;

const EVERY: Duration = Duration::from_secs(1);
/// How many seats are tidied up before they are announced.
const AT_ONCE: u32 = 50;
/// How often so many are tidied up in one round.
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

/// Announces the tickets that came free since the last look.
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
