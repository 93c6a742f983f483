//! What the shop has left, by its last report.

use sunbeon_domain::{Stock, StockReport, UnixMs};

use super::line::Line;

/// A shop's report.
pub(super) struct Reported {
    report: StockReport,
    at: UnixMs,
}

impl Line {
    pub(super) fn put_stock(&mut self, report: &StockReport) -> bool {
        self.reported = Some(Reported {
            report: report.clone(),
            at: self.now,
        });
        // It does not know of the report.
        self.shared = None;
        self.live
    }

    /// The last report that still counts. One far ahead is from before a step of the clock.
    fn report(&self) -> Option<&Reported> {
        let age = |reported: &&Reported| (self.now.0 - reported.at.0).abs();
        let last = self.reported.as_ref();
        last.filter(|reported| age(reported) <= StockReport::STALE_MS)
    }

    /// What is left, as it is told.
    pub(super) fn stock(&self) -> Option<Stock> {
        self.report().map(|reported| Stock {
            tiers: reported.report.tiers.clone(),
            reported_at: reported.at,
        })
    }

    /// Whether nothing is left and nothing held.
    pub(super) fn is_sold_out(&self) -> bool {
        let report = self.report().map(|reported| &reported.report);
        report.is_some_and(|report| report.left() + u64::from(report.held) == 0)
    }

    /// Whether nobody is to be called because all is sold.
    pub(super) fn stops(&self) -> bool {
        self.concert.policy.stop_when_sold_out && self.is_sold_out()
    }

    /// How many more are enough for what is left: those called and not inside yet will want some of it.
    pub(super) fn enough(&self) -> u64 {
        let stops = self.concert.policy.stop_when_sold_out;
        let Some(reported) = self.report().filter(|_| stops) else {
            return u64::MAX;
        };
        let counts = self.counts();
        let called = counts.admitting + counts.ready;
        reported.report.left().saturating_sub(called)
    }
}
