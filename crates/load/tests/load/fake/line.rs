//! One concert's line.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

/// The promise that the fake breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    LastComeFirstServed,
    NewTokenEachTime,
    LosesOne,
    FirstEnterIsDown,
}

#[derive(Default, Clone, Serialize)]
pub(crate) struct Totals {
    pub(crate) joined: u64,
    pub(crate) admitted: u64,
    pub(crate) left: u64,
    pub(crate) removed: u64,
    pub(crate) lapsed: u64,
    pub(crate) cleared: u64,
    pub(crate) unclaimed: u64,
    pub(crate) expired: u64,
    pub(crate) completed: u64,
    pub(crate) exited: u64,
}

/// A member who was admitted.
struct Session {
    number: u64,
    token: Option<String>,
}

pub(crate) struct Line {
    group_size: usize,
    last: u64,
    waiting: BTreeMap<u64, String>,
    sessions: HashMap<String, Session>,
    pub(crate) enters: u64,
    pub(crate) closed: bool,
    pub(crate) totals: Totals,
}

impl Line {
    pub(crate) fn new(group_size: usize) -> Self {
        Self {
            group_size,
            last: 1_763_616_000_000_000,
            waiting: BTreeMap::new(),
            sessions: HashMap::new(),
            enters: 0,
            closed: false,
            totals: Totals::default(),
        }
    }

    /// Returns whether the entry is new.
    pub(crate) fn enter(&mut self, member: &str) -> bool {
        if self.number(member).is_some() || self.sessions.contains_key(member) {
            return false;
        }
        self.last += 1;
        self.waiting.insert(self.last, member.to_owned());
        self.totals.joined += 1;
        true
    }

    pub(crate) fn admit(&mut self, flaw: Flaw) {
        for _ in 0..self.group_size {
            let next = match flaw {
                Flaw::LastComeFirstServed => self.waiting.pop_last(),
                _ => self.waiting.pop_first(),
            };
            let Some((number, member)) = next else { return };
            if flaw == Flaw::LosesOne && number % 1000 == 8 {
                continue;
            }
            self.sessions.insert(
                member,
                Session {
                    number,
                    token: None,
                },
            );
            self.totals.admitted += 1;
        }
    }

    /// Returns the member's token, created by `issue(number)` the first time.
    pub(crate) fn claim(
        &mut self,
        member: &str,
        again: bool,
        issue: impl Fn(u64) -> String,
    ) -> Option<String> {
        let session = self.sessions.get_mut(member)?;
        if again || session.token.is_none() {
            session.token = Some(issue(session.number));
        }
        session.token.clone()
    }

    pub(crate) fn complete(&mut self, member: &str, token: Option<&str>) -> bool {
        let held = self
            .sessions
            .get(member)
            .and_then(|session| session.token.as_deref());
        let ok = held.is_some() && held == token;
        if ok {
            self.sessions.remove(member);
            self.totals.completed += 1;
        }
        ok
    }

    pub(crate) fn exit(&mut self, member: &str) {
        if let Some(number) = self.number(member) {
            self.waiting.remove(&number);
            self.totals.left += 1;
        } else if self.sessions.remove(member).is_some() {
            self.totals.exited += 1;
        }
    }

    fn number(&self, member: &str) -> Option<u64> {
        self.waiting
            .iter()
            .find(|(_, other)| *other == member)
            .map(|(number, _)| *number)
    }

    /// Returns a member's standing.
    pub(crate) fn standing(&self, concert: &str, member: &str) -> Value {
        let mut standing = self.place(member);
        standing["concertId"] = concert.into();
        standing["concertTitle"] = concert.into();
        standing
    }

    fn place(&self, member: &str) -> Value {
        if let Some(session) = self.sessions.get(member) {
            let status = if session.token.is_some() {
                "ENTERED"
            } else {
                "READY"
            };
            return json!({"status": status, "canEnter": true, "entryNumber": session.number});
        }
        let Some(number) = self.number(member) else {
            return json!({"status": "NOT_IN_QUEUE", "canEnter": false});
        };
        json!({
            "status": "WAITING", "canEnter": false, "entryNumber": number, "pollAfterMs": 100,
            "queueNumber": self.waiting.range(..=number).count(),
            "totalWaitingCount": self.waiting.len()
        })
    }

    pub(crate) fn shown_to_operators(&self) -> Value {
        let inside = self
            .sessions
            .values()
            .filter(|session| session.token.is_some())
            .count();
        json!({
            "counts": {
                "waiting": self.waiting.len(), "away": 0, "admitting": 0, "inside": inside,
                "ready": self.sessions.len() - inside
            },
            "totals": self.totals
        })
    }
}
