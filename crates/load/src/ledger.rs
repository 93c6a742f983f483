//! A line's numbers, as shown to operators, and whether they add up.

use serde::Serialize;
use serde_json::Value;

/// The current counts, and the totals since the concert was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "each is the number of that name in the operators' line"
)]
pub struct Ledger {
    pub waiting: u64,
    pub away: u64,
    pub admitting: u64,
    pub ready: u64,
    pub inside: u64,
    pub joined: u64,
    pub admitted: u64,
    pub left: u64,
    pub removed: u64,
    pub lapsed: u64,
    pub cleared: u64,
    pub unclaimed: u64,
    pub expired: u64,
    pub completed: u64,
    pub exited: u64,
}

impl Ledger {
    /// Reads the `data` of `GET /v2/waiting-room/admin/{concertId}`. Looks for each number in
    /// `counts` and `totals`, then by name at any depth. The error is the missing name.
    pub fn read(data: &Value) -> Result<Self, &'static str> {
        let count = |name| number(data, "counts", name).ok_or(name);
        let total = |name| number(data, "totals", name).ok_or(name);
        Ok(Self {
            waiting: count("waiting")?,
            away: count("away")?,
            admitting: count("admitting")?,
            ready: count("ready")?,
            inside: count("inside")?,
            joined: total("joined")?,
            admitted: total("admitted")?,
            left: total("left")?,
            removed: total("removed")?,
            lapsed: total("lapsed")?,
            cleared: total("cleared")?,
            unclaimed: total("unclaimed")?,
            expired: total("expired")?,
            completed: total("completed")?,
            exited: total("exited")?,
        })
    }

    /// Returns whether `joined = waiting + away + admitting + admitted + left + removed + lapsed +
    /// cleared`.
    pub fn line_adds_up(&self) -> bool {
        let gone = self.admitted + self.left + self.removed + self.lapsed + self.cleared;
        self.joined == self.waiting + self.away + self.admitting + gone
    }

    /// Returns whether `admitted = ready + inside + unclaimed + expired + completed + exited`.
    pub fn sessions_add_up(&self) -> bool {
        let ended = self.unclaimed + self.expired + self.completed + self.exited;
        self.admitted == self.ready + self.inside + ended
    }
}

fn number(data: &Value, group: &str, name: &str) -> Option<u64> {
    data.get(group)
        .and_then(|group| search(group, name))
        .or_else(|| search(data, name))
}

fn search(value: &Value, name: &str) -> Option<u64> {
    let object = value.as_object()?;
    let here = object.get(name).and_then(Value::as_u64);
    here.or_else(|| object.values().find_map(|inner| search(inner, name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line() -> Value {
        json!({
            "counts": {"waiting": 5, "away": 1, "admitting": 2, "ready": 3, "inside": 4},
            "totals": {
                "joined": 29, "admitted": 17, "left": 1, "removed": 1, "lapsed": 1, "cleared": 1,
                "unclaimed": 1, "expired": 2, "completed": 6, "exited": 1
            }
        })
    }

    #[test]
    fn both_identities_are_computed() {
        let ledger = Ledger::read(&line()).unwrap();
        assert!(ledger.line_adds_up() && ledger.sessions_add_up());
        assert!(
            !Ledger {
                joined: 30,
                ..ledger
            }
            .line_adds_up()
        );
        assert!(
            !Ledger {
                exited: 0,
                ..ledger
            }
            .sessions_add_up()
        );
    }

    #[test]
    fn other_nestings_are_read_and_missing_fields_are_named() {
        let mut flat = line()["counts"].clone();
        let totals = line()["totals"].as_object().unwrap().clone();
        flat.as_object_mut().unwrap().extend(totals);
        assert_eq!(Ledger::read(&json!({"line": flat})), Ledger::read(&line()));
        let mut lacking = line();
        lacking["totals"].as_object_mut().unwrap().remove("lapsed");
        assert_eq!(Ledger::read(&lacking), Err("lapsed"));
    }
}
