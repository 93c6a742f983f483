//! The gate's knowledge of concerts, bounded where strangers may invent them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sunbeon_domain::ConcertId;
use tokio::time::Instant;

use crate::snapshot::{Fetched, Found};

/// Older snapshots are not trusted.
const BELIEVED: Duration = Duration::from_secs(5);
/// How long a concert is taken not to exist.
const ABSENT: Duration = Duration::from_secs(10);
/// How many concerts are remembered that were never found; those that were found are all kept.
const STRANGERS: usize = 1_024;

#[derive(Default)]
pub(crate) struct Slots(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    slots: HashMap<ConcertId, (u64, Arc<Slot>)>,
    uses: u64,
}

/// One concert.
#[derive(Default)]
pub(crate) struct Slot {
    heard: Mutex<Option<(Instant, Found)>>,
    /// Held during a fetch; contains the result of the last one.
    pub(crate) last: Arc<tokio::sync::Mutex<Option<Fetched>>>,
}

impl Slots {
    /// Returns the slot of a concert and marks it as just used. A new slot replaces that of the
    /// least recently used stranger that nobody waits for.
    pub(crate) fn of(&self, concert: &ConcertId) -> Arc<Slot> {
        let mut remembered = self.0.lock();
        let Remembered { slots, uses } = &mut *remembered;
        *uses += 1;
        if let Some((used, slot)) = slots.get_mut(concert) {
            *used = *uses;
            return slot.clone();
        }
        if slots.len() >= STRANGERS {
            make_room(slots);
        }
        let slot = Arc::<Slot>::default();
        slots.insert(concert.clone(), (*uses, slot.clone()));
        slot
    }
}

fn make_room(slots: &mut HashMap<ConcertId, (u64, Arc<Slot>)>) {
    let strangers = || slots.iter().filter(|(_, (_, slot))| !slot.is_known());
    if strangers().count() < STRANGERS {
        return;
    }
    let idle = strangers().filter(|(_, (_, slot))| Arc::strong_count(slot) == 1);
    let oldest = idle.min_by_key(|(_, (used, _))| *used);
    if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
        slots.remove(&oldest);
    }
}

impl Slot {
    pub(crate) fn hear(&self, asked: Instant, found: Found) {
        *self.heard.lock() = Some((asked, found));
    }

    /// Returns the snapshot if it is still trusted, and when it was requested.
    pub(crate) fn believed(&self) -> Option<(Instant, Found)> {
        self.heard().filter(|(asked, found)| {
            let limit = match found {
                Found::Concert(_) => BELIEVED,
                Found::NoConcert => ABSENT,
            };
            asked.elapsed() < limit
        })
    }

    /// Returns whether the concert was found by its last fetch, however long ago.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.heard(), Some((_, Found::Concert(_))))
    }

    fn heard(&self) -> Option<(Instant, Found)> {
        *self.heard.lock()
    }
}

#[cfg(test)]
mod tests {
    use sunbeon_domain::{Identity, Mode, Phase};

    use super::*;
    use crate::snapshot::Concert;

    fn id(name: &str) -> ConcertId {
        ConcertId::parse(name).unwrap()
    }

    fn found() -> Found {
        Found::Concert(Concert {
            mode: Mode::Off,
            state: Phase::Open,
            identity: Identity::Member,
        })
    }

    fn invent(slots: &Slots, how_many: usize) {
        for n in 0..how_many {
            let slot = slots.of(&id(&format!("invented-{n}")));
            if n % 2 == 0 {
                slot.hear(Instant::now(), Found::NoConcert);
            }
        }
    }

    #[test]
    fn invented_concerts_are_bounded_and_evict_no_real_one() {
        let slots = Slots::default();
        for n in 0..2 * STRANGERS {
            let slot = slots.of(&id(&format!("sale-{n}")));
            slot.hear(Instant::now(), found());
        }
        invent(&slots, 3 * STRANGERS);
        assert_eq!(slots.0.lock().slots.len(), 3 * STRANGERS);
        for n in 0..2 * STRANGERS {
            assert!(slots.of(&id(&format!("sale-{n}"))).is_known(), "{n}");
        }
    }

    #[test]
    fn a_concert_being_fetched_is_not_evicted() {
        let slots = Slots::default();
        let waited_for = slots.of(&id("new"));
        invent(&slots, 2 * STRANGERS);
        waited_for.hear(Instant::now(), found());
        assert!(slots.of(&id("new")).is_known());
    }

    #[test]
    fn invented_concerts_in_use_stay() {
        let slots = Slots::default();
        slots
            .of(&id("asked-for"))
            .hear(Instant::now(), Found::NoConcert);
        for n in 0..2 * STRANGERS {
            slots.of(&id(&format!("invented-{n}")));
            assert!(slots.of(&id("asked-for")).believed().is_some(), "{n}");
        }
    }
}
