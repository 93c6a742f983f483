//! Policies, changes of them, reports of stock: what is accepted keeps its bounds, and a policy is the same once
//! written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sunbeon_domain::{NewConcert, Policy, PolicyChange, StockReport, Tier};

fuzz_target!(|data: &[u8]| {
    let _ = serde_json::from_slice::<NewConcert>(data);
    if let Ok(change) = serde_json::from_slice::<PolicyChange>(data)
        && let Ok(policy) = Policy::create(change)
    {
        let written = serde_json::to_vec(&policy).expect("a policy is JSON");
        let again: PolicyChange =
            serde_json::from_slice(&written).expect("what was written is read");
        assert_eq!(Policy::create(again).ok().as_ref(), Some(&policy));
        assert!((1..=10_000).contains(&policy.group_size));
        assert!((1..=3_600).contains(&policy.entry_interval_seconds));
        assert!(policy.title.chars().count() <= 200);
    }
    if let Ok(tiers) = serde_json::from_slice::<Vec<Tier>>(data) {
        let report = StockReport { tiers, held: 0 };
        if report.check().is_ok() {
            assert!(report.left() <= 64 * 10_000_000);
        }
    }
});
