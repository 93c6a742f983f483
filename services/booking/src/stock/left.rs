//! What is left, as the line is told, and when it is to be told again.

use std::time::Duration;

use sunbeon_database::{Result, statements, values};
use sunbeon_domain::{ConcertId, StockReport, Tier};

use super::{Section, Stock, rows};

/// How long the caller who is told of a due report has for it.
const LEASE: Duration = Duration::from_secs(5);
/// The most that a report can say.
const MOST: u64 = 10_000_000;

statements! {
    SEATS_LEFT = "SELECT section, price, COUNT(*), \
        CAST(SUM(CASE WHEN holder IS NOT NULL AND held_until_ms IS NULL THEN 1 ELSE 0 END) AS BIGINT), \
        CAST(SUM(CASE WHEN held_until_ms > (SELECT {now}) THEN 1 ELSE 0 END) AS BIGINT) \
        FROM seats WHERE concert_id = $1 GROUP BY section, price";
    TICKETS_LEFT = "SELECT t.name, t.price, t.quantity, t.sold, \
        CAST(COALESCE((SELECT SUM(p.quantity) FROM bookings b \
            JOIN booking_tickets p ON p.booking_id = b.booking_id \
                AND p.ticket_id = t.ticket_id \
            WHERE b.concert_id = t.concert_id AND b.state IN ('PENDING', 'PAYING') \
                AND b.expires_at_ms > (SELECT {now})), 0) AS BIGINT) \
        FROM tickets t WHERE t.concert_id = $1";
    REPORTS_DUE = "SELECT k.concert_id FROM stock k \
        LEFT JOIN stock_reports r ON r.concert_id = k.concert_id \
        WHERE r.due_ms IS NULL OR r.due_ms <= (SELECT {now}) LIMIT $1";
    CLAIM_REPORT = "INSERT INTO stock_reports (concert_id, due_ms) VALUES ($1, {now} + $2) \
        ON CONFLICT (concert_id) DO UPDATE SET due_ms = excluded.due_ms \
        WHERE stock_reports.due_ms <= {now}";
    REPORT_AGAIN = "INSERT INTO stock_reports (concert_id, due_ms) VALUES ($1, {now} + $2) \
        ON CONFLICT (concert_id) DO UPDATE SET due_ms = excluded.due_ms";
}

/// A price tier in numbers: name, price, all, sold, held.
type Columns<Name> = (Name, u64, u64, u64, u64);

impl Stock {
    /// Returns what is left and what is held of a concert, dearest tier first; `None` if nothing of it is
    /// on sale.
    pub async fn left(&self, concert: &ConcertId) -> Result<Option<StockReport>> {
        let seats: Vec<Columns<Section>> = self.0.rows(&SEATS_LEFT, values![concert]).await?;
        let tickets: Vec<Columns<String>> = self.0.rows(&TICKETS_LEFT, values![concert]).await?;
        let seats = seats
            .into_iter()
            .map(|(section, price, all, sold, held)| (section.to_string(), price, all, sold, held));
        let tiers: Vec<_> = seats.chain(tickets).collect();
        Ok(report(tiers))
    }

    /// Returns up to `limit` concerts whose report is due. Each is due again in five seconds, unless
    /// [`Stock::report_again`] says otherwise; until then no other caller is told of it.
    pub async fn reports_due(&self, limit: u32) -> Result<Vec<ConcertId>> {
        let found: Vec<(ConcertId,)> = self.0.rows(&REPORTS_DUE, values![limit]).await?;
        let mut claimed = Vec::new();
        for (concert,) in found {
            let values = values![&concert, rows::ms(LEASE)];
            if self.0.execute(&CLAIM_REPORT, values).await? == 1 {
                claimed.push(concert);
            }
        }
        Ok(claimed)
    }

    /// Makes a concert's report due after a pause.
    pub async fn report_again(&self, concert: &ConcertId, after: Duration) -> Result<()> {
        let values = values![concert, rows::ms(after)];
        self.0.execute(&REPORT_AGAIN, values).await.map(drop)
    }
}

fn report(mut tiers: Vec<Columns<String>>) -> Option<StockReport> {
    tiers.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let held: u64 = tiers.iter().map(|tier| tier.4).sum();
    let tiers = tiers
        .into_iter()
        .map(|(name, price, all, sold, held)| Tier {
            name,
            price: Some(price),
            left: at_most(all.saturating_sub(sold + held)),
        });
    let mut tiers: Vec<_> = tiers.collect();
    if tiers.len() > StockReport::MOST_TIERS {
        let rest = tiers.split_off(StockReport::MOST_TIERS - 1);
        tiers.push(Tier {
            name: "…".to_owned(),
            price: None,
            left: at_most(rest.iter().map(|tier| u64::from(tier.left)).sum()),
        });
    }
    (!tiers.is_empty()).then(|| StockReport {
        tiers,
        held: at_most(held),
    })
}

fn at_most(count: u64) -> u32 {
    u32::try_from(count.min(MOST)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_tiers_than_a_report_has_are_told_as_one() {
        let tiers = |count: u64| {
            (1..=count)
                .map(|n| (format!("t{n}"), n, 10, 3, 2))
                .collect()
        };
        let all = report(tiers(64)).unwrap();
        assert_eq!((all.tiers.len(), all.held), (64, 128));
        assert_eq!((all.tiers[0].price, all.tiers[0].left), (Some(64), 5));
        let some = report(tiers(70)).unwrap();
        assert_eq!(some.left(), 70 * 5);
        assert_eq!(some.tiers.len(), 64);
        assert_eq!((some.tiers[63].price, some.tiers[63].left), (None, 7 * 5));
        assert_eq!(some.check(), Ok(()));
        assert_eq!(report(Vec::new()), None);
    }
}
