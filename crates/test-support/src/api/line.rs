use std::{fmt, ops::Deref};

use serde_json::Value;
use sunbeon_domain::UnixMs;

/// A line as operators see it. Two lines are equal if they differ only in what the clock changes.
#[derive(Debug, Clone)]
pub struct Line {
    at: Value,
    rest: Value,
}

/// A member in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLine {
    /// The member's id.
    pub member: String,
    /// The entry's number.
    pub number: u64,
}

impl Line {
    /// Reads the `data` of an answer.
    ///
    /// # Panics
    /// If the numbers do not add up.
    #[track_caller]
    pub(super) fn read(data: &Value) -> Self {
        assert_eq!(data["addsUp"], true, "the line does not add up: {data}");
        let mut rest = data.clone();
        let fields = rest.as_object_mut().expect("an object");
        let at = fields.remove("at").expect("a time");
        fields.remove("pace").expect("a pace");
        Self { at, rest }
    }

    /// Returns a current count: `waiting`, `away`, `admitting`, `ready`, `inside` or `slots`.
    ///
    /// # Panics
    /// If there is no such count.
    pub fn count(&self, name: &str) -> u64 {
        self.number("counts", name)
    }

    /// Returns a total: `joined`, `admitted`, `left`, `unclaimed` and so on.
    ///
    /// # Panics
    /// If there is no such total.
    pub fn total(&self, name: &str) -> u64 {
        self.number("totals", name)
    }

    /// Returns how many were ever taken off the front, if nobody left while `admitting`.
    pub fn taken(&self) -> u64 {
        self.total("admitted") + self.count("admitting")
    }

    /// Returns the store's time in milliseconds.
    ///
    /// # Panics
    /// If it is not a time.
    pub fn at_ms(&self) -> i64 {
        let at = serde_json::from_value::<UnixMs>(self.at.clone());
        at.unwrap_or_else(|error| panic!("{error}: {}", self.at)).0
    }

    pub(super) fn members(&self) -> Vec<InLine> {
        let page = self["members"].as_array().map(Vec::as_slice);
        let one = |member: &Value| InLine {
            member: member["memberId"].as_str().unwrap_or_default().to_owned(),
            number: member["entryNumber"].as_u64().unwrap_or_default(),
        };
        page.unwrap_or_default().iter().map(one).collect()
    }

    pub(super) fn next_cursor(&self) -> Option<String> {
        Some(self.get("nextCursor")?.as_str()?.to_owned())
    }

    fn number(&self, kind: &str, name: &str) -> u64 {
        let number = self[kind][name].as_u64();
        number.unwrap_or_else(|| panic!("no {name} among the {kind}: {self}"))
    }
}

/// The answer's fields without `at` and `pace`.
impl Deref for Line {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.rest
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.rest == other.rest
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rest.fmt(f)
    }
}
