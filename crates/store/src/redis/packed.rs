//! The value under `policy`: what the scripts decide by, packed, then the concert as JSON.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;
use sunbeon_domain::{Concert, ConcertId, Identity, Mode, UnixMs};

use crate::{Result, StoreError};

/// How the keys are to be read. A release that reads them otherwise counts it up, here and in
/// `policy.lua`.
const LAYOUT: u8 = 5;

/// Length of what [`policy`] gives.
const BYTES: usize = 1 + 21 * 8;

/// What the scripts decide by, in the order of `policy.lua`: numbers as little-endian doubles, infinite
/// where there is no such limit.
pub(super) fn policy(concert: &Concert) -> Vec<u8> {
    let policy = &concert.policy;
    let flag = |value: bool| f64::from(u8::from(value));
    let ms = |count: u32, unit: u32| f64::from(count) * f64::from(unit);
    let limit = |count: Option<u32>| count.map_or(f64::INFINITY, f64::from);
    let moment = |moment: Option<UnixMs>, never: f64| moment.map_or(never, |at| at.0 as f64);
    let mode = match policy.mode {
        Mode::Queue => 0.0,
        Mode::Threshold => 1.0,
        Mode::Off => 2.0,
    };
    let fields: [f64; 21] = [
        concert.version as f64,
        moment(policy.booking_start_at, f64::NEG_INFINITY),
        moment(policy.booking_end_at, f64::INFINITY),
        moment(concert.opens_at(), f64::NEG_INFINITY),
        flag(concert.closed),
        flag(policy.paused),
        mode,
        limit(policy.max_active),
        limit(policy.max_queue_size),
        flag(policy.auto_open),
        f64::from(policy.group_size),
        ms(policy.entry_interval_seconds, 1_000),
        ms(policy.waiting_ttl_seconds, 1_000),
        ms(policy.keep_place_minutes, 60_000),
        ms(policy.ready_ttl_seconds, 1_000),
        ms(policy.session_minutes, 60_000),
        ms(policy.hold_duration_minutes, 60_000),
        flag(policy.identity == Identity::Guest),
        flag(policy.refuse_long_wait),
        flag(policy.stop_when_sold_out),
        limit(policy.idle_shop_seconds) * 1_000.0,
    ];
    let numbers = fields.into_iter().flat_map(f64::to_le_bytes);
    std::iter::once(LAYOUT).chain(numbers).collect()
}

/// What is left of a dropped concert.
pub(super) fn dropped(version: u64) -> Vec<u8> {
    let version = (version as f64).to_le_bytes();
    std::iter::once(LAYOUT).chain(version).collect()
}

/// The concert as JSON, which follows what is packed.
pub(super) fn json(concert: &Concert) -> Result<Vec<u8>> {
    serde_json::to_vec(concert).map_err(|error| StoreError::Bug(Box::new(error)))
}

/// Reads the whole value.
pub(super) fn concert(value: &[u8]) -> Result<Concert> {
    let json = value.get(BYTES..).ok_or(StoreError::UnknownConcert)?;
    serde_json::from_slice(json).map_err(|error| StoreError::Bug(Box::new(error)))
}

/// The policies that this process knows.
#[derive(Default)]
pub(super) struct Concerts(RwLock<HashMap<ConcertId, Arc<Concert>>>);

impl Concerts {
    /// Returns a concert as it is known, if that is of this version.
    pub(super) fn get(&self, id: &ConcertId, version: u64) -> Option<Arc<Concert>> {
        let known = self.0.read().get(id).cloned();
        known.filter(|concert| concert.version == version)
    }

    pub(super) fn learn(&self, concert: Concert) -> Arc<Concert> {
        let concert = Arc::new(concert);
        let mut known = self.0.write();
        known.insert(concert.concert_id.clone(), concert.clone());
        concert
    }

    /// Forgets all but these, which are in force, in order.
    pub(super) fn keep(&self, in_force: &[ConcertId]) {
        if self
            .0
            .read()
            .keys()
            .any(|id| in_force.binary_search(id).is_err())
        {
            self.0
                .write()
                .retain(|id, _| in_force.binary_search(id).is_ok());
        }
    }
}
