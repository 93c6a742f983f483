//! What is to be done outside because of what was done here, at least once.

use std::time::Duration;

use sunbeon_database::{Result, Transaction, again, values};
use sunbeon_domain::EntryNumber;

use super::{Kind, Stock, Task, Work, rows};

/// How long a task is one caller's.
pub(super) const LEASE_MS: i64 = 30_000;
/// No session lives so long.
const SESSIONS_END_MS: i64 = 3 * 3_600_000;

type TaskColumns = (String, String, Option<i64>, i64);

impl Stock {
    /// Up to so many tasks of a kind that are due. No two callers get the same within 30 seconds; then it is
    /// due again. An entry's completion is dropped after three hours, when no session lives any
    /// more; a refund never.
    pub async fn due_tasks(&self, kind: Kind, limit: u32) -> Result<Vec<Task>> {
        const DUE: &str = "SELECT task_id, booking_id, attempt, created_at_ms FROM tasks \
            WHERE kind = $1 AND due_ms <= (SELECT {now}) ORDER BY due_ms LIMIT $2 {skip locked}";
        const LEASE: &str = "UPDATE tasks SET due_ms = $2 WHERE task_id = $1";
        const DROP: &str = "DELETE FROM tasks WHERE task_id = $1";
        again(|| async {
            let mut tx = self.0.begin().await?;
            let due: Vec<TaskColumns> = tx.rows(DUE, values![kind.word(), limit]).await?;
            let now = rows::now(&mut tx).await?;
            let mut tasks = Vec::new();
            for (id, booking, attempt, created) in due {
                if kind == Kind::Complete && created <= now - SESSIONS_END_MS {
                    tx.execute(DROP, values![&id]).await?;
                    continue;
                }
                tx.execute(LEASE, values![&id, now + LEASE_MS]).await?;
                let work = match attempt {
                    Some(attempt) => refund(&mut tx, &booking, attempt).await?,
                    None => complete(&mut tx, &booking).await?,
                };
                tasks.push(Task { id, work });
            }
            tx.commit().await?;
            Ok(tasks)
        })
        .await
    }

    /// A task is done, for good.
    pub async fn task_done(&self, id: &str) -> Result<()> {
        const REFUNDED: &str = "UPDATE payments SET state = 'REFUNDED' \
            WHERE state = 'REFUND_DUE' AND EXISTS (SELECT 1 FROM tasks WHERE task_id = $1 \
                AND tasks.booking_id = payments.booking_id AND tasks.attempt = payments.attempt)";
        const DONE: &str = "DELETE FROM tasks WHERE task_id = $1";
        again(|| async {
            let mut tx = self.0.begin().await?;
            tx.execute(REFUNDED, values![id]).await?;
            tx.execute(DONE, values![id]).await?;
            tx.commit().await
        })
        .await
    }

    /// A task is due again after a time.
    pub async fn task_again(&self, id: &str, after: Duration) -> Result<()> {
        const SQL: &str = "UPDATE tasks SET due_ms = {now} + $2 WHERE task_id = $1";
        let values = values![id, rows::ms(after)];
        self.0.execute(SQL, values).await.map(drop)
    }
}

async fn complete(tx: &mut Transaction, booking: &str) -> Result<Work> {
    const SQL: &str = "SELECT concert_id, member_id, entry_number FROM bookings \
        WHERE booking_id = $1 AND entry_number IS NOT NULL";
    let row: Option<(String, String, i64)> = tx.row(SQL, values![booking]).await?;
    let (concert, member, entry) = row.ok_or_else(|| rows::nonsense("a task of no entry"))?;
    Ok(Work::Complete {
        concert_id: rows::concert_id(concert)?,
        member_id: rows::member_id(member)?,
        entry_number: EntryNumber(rows::number(entry)?),
    })
}

async fn refund(tx: &mut Transaction, booking: &str, attempt: i64) -> Result<Work> {
    const SQL: &str = "SELECT payment_id, amount FROM payments \
        WHERE booking_id = $1 AND attempt = $2 AND payment_id IS NOT NULL";
    let row: Option<(String, i64)> = tx.row(SQL, values![booking, attempt]).await?;
    let (payment_id, amount) = row.ok_or_else(|| rows::nonsense("a refund of no payment"))?;
    Ok(Work::Refund {
        payment_id,
        amount: rows::number(amount)?,
        key: format!("{booking}-{attempt}"),
    })
}

/// An entry's session is to end; at most one such task of a booking at a time.
pub(super) async fn write_complete(
    tx: &mut Transaction,
    booking: &rows::LockedBooking,
) -> Result<()> {
    const SQL: &str = "INSERT INTO tasks (task_id, kind, booking_id, due_ms, created_at_ms) \
        VALUES ($1, 'complete', $2, $3, $3) ON CONFLICT (task_id) DO NOTHING";
    if booking.row.entry_number.is_none() {
        return Ok(());
    }
    let id = booking.id.to_string();
    let values = values![format!("complete-{id}"), &id, booking.now];
    tx.execute(SQL, values).await.map(drop)
}

/// A payment is to go back, whatever its state was.
pub(super) async fn write_refund(
    tx: &mut Transaction,
    booking: &rows::LockedBooking,
    attempt: i64,
    payment_id: &str,
) -> Result<()> {
    const PAYMENT: &str = "UPDATE payments SET state = 'REFUND_DUE', payment_id = $3 \
        WHERE booking_id = $1 AND attempt = $2";
    const TASK: &str = "INSERT INTO tasks (task_id, kind, booking_id, attempt, due_ms, created_at_ms) \
        VALUES ($1, 'refund', $2, $3, $4, $4)";
    let id = booking.id.to_string();
    tx.execute(PAYMENT, values![&id, attempt, payment_id])
        .await?;
    let task = format!("refund-{id}-{attempt}");
    tx.execute(TASK, values![&task, &id, attempt, booking.now])
        .await
        .map(drop)
}
