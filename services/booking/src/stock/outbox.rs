//! External effects, recorded here and carried out at least once.

use std::time::Duration;

use sunbeon_database::{Result, Transaction, again, statements, values};
use sunbeon_domain::UnixMs;

use super::{
    BookingId, Kind, Session, Stock, Task, Work,
    rows::{self, LockedBooking},
};

/// How long a task belongs to one caller.
pub(super) const LEASE_MS: i64 = 30_000;
/// The longest life of a session: two hours, and two more for a hold.
pub(super) const LONGEST_SESSION_MS: i64 = 4 * 3_600_000;

statements! {
    DUE = "SELECT task_id, booking_id, attempt, created_at_ms FROM tasks \
        WHERE kind = $1 AND due_ms <= (SELECT {now}) ORDER BY due_ms LIMIT $2 {skip locked}";
    LEASE = "UPDATE tasks SET due_ms = $2 WHERE task_id = $1";
    DONE = "DELETE FROM tasks WHERE task_id = $1";
    REFUNDED = "UPDATE payments SET state = 'REFUNDED' \
        WHERE state = 'REFUND_DUE' AND EXISTS (SELECT 1 FROM tasks WHERE task_id = $1 \
            AND tasks.booking_id = payments.booking_id AND tasks.attempt = payments.attempt)";
    AGAIN = "UPDATE tasks SET due_ms = {now} + $2 WHERE task_id = $1";
    SESSION = "SELECT concert_id, member_id, entry_number FROM bookings \
        WHERE booking_id = $1 AND entry_number IS NOT NULL";
    PAYMENT = "SELECT payment_id, amount FROM payments \
        WHERE booking_id = $1 AND attempt = $2 AND payment_id IS NOT NULL";
    COMPLETE = "INSERT INTO tasks (task_id, kind, booking_id, due_ms, created_at_ms) \
        VALUES ($1, 'complete', $2, $3, $3) ON CONFLICT (task_id) DO NOTHING";
    REFUND_DUE = "UPDATE payments SET state = 'REFUND_DUE', payment_id = $3, payment_token = '' \
        WHERE booking_id = $1 AND attempt = $2";
    REFUND = "INSERT INTO tasks (task_id, kind, booking_id, attempt, due_ms, created_at_ms) \
        VALUES ($1, 'refund', $2, $3, $4, $4)";
}

type TaskColumns = (String, BookingId, Option<u32>, UnixMs);

impl Stock {
    /// Returns up to `limit` due tasks of a kind. No two callers get the same task within 30
    /// seconds; after that it is due again. Ending a session is dropped after four hours, because
    /// no session lives longer; a refund is never dropped.
    pub async fn due_tasks(&self, kind: Kind, limit: u32) -> Result<Vec<Task>> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let due: Vec<TaskColumns> = tx.rows(&DUE, values![kind, limit]).await?;
            let now = rows::now(&mut tx).await?;
            let mut tasks = Vec::new();
            for (id, booking, attempt, created) in due {
                if kind == Kind::Complete && created <= now + -LONGEST_SESSION_MS {
                    tx.execute(&DONE, values![&id]).await?;
                    continue;
                }
                tx.execute(&LEASE, values![&id, now + LEASE_MS]).await?;
                let work = match attempt {
                    Some(attempt) => refund(&mut tx, booking, attempt).await?,
                    None => complete(&mut tx, booking).await?,
                };
                tasks.push(Task { id, work });
            }
            tx.commit().await?;
            Ok(tasks)
        })
        .await
    }

    /// Removes a finished task.
    pub async fn task_done(&self, id: &str) -> Result<()> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            tx.execute(&REFUNDED, values![id]).await?;
            tx.execute(&DONE, values![id]).await?;
            tx.commit().await
        })
        .await
    }

    /// Makes a task due again after a pause.
    pub async fn task_again(&self, id: &str, after: Duration) -> Result<()> {
        let values = values![id, rows::ms(after)];
        self.0.execute(&AGAIN, values).await.map(drop)
    }
}

async fn complete(tx: &mut Transaction, booking: BookingId) -> Result<Work> {
    let found: Option<Session> = tx.row(&SESSION, values![&booking]).await?;
    let session = found.ok_or_else(|| rows::nonsense("a task without a session"))?;
    Ok(Work::Complete(session))
}

async fn refund(tx: &mut Transaction, booking: BookingId, attempt: u32) -> Result<Work> {
    let row: Option<(String, u64)> = tx.row(&PAYMENT, values![&booking, attempt]).await?;
    let (payment_id, amount) = row.ok_or_else(|| rows::nonsense("a refund without a payment"))?;
    Ok(Work::Refund {
        payment_id,
        amount,
        key: charge_key(booking, attempt),
    })
}

/// Records that a booking's session must end; a booking has at most one such task at a time.
pub(super) async fn write_complete(tx: &mut Transaction, booking: &LockedBooking) -> Result<()> {
    if booking.row.entry_number.is_none() {
        return Ok(());
    }
    let id = booking.id();
    let values = values![format!("complete-{id}"), id, booking.now];
    tx.execute(&COMPLETE, values).await.map(drop)
}

/// Records that a payment must be refunded, whatever its state was.
pub(super) async fn write_refund(
    tx: &mut Transaction,
    booking: &LockedBooking,
    attempt: u32,
    payment_id: &str,
) -> Result<()> {
    let id = booking.id();
    let values = values![id, attempt, payment_id];
    tx.execute(&REFUND_DUE, values).await?;
    let values = values![format!("refund-{id}-{attempt}"), id, attempt, booking.now];
    tx.execute(&REFUND, values).await.map(drop)
}

/// Returns the provider's idempotency key of an attempt.
pub(super) fn charge_key(id: BookingId, attempt: u32) -> String {
    format!("{id}-{attempt}")
}
