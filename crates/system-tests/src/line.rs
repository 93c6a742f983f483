use serde_json::Value;
use sunbeon_domain::UnixMs;

/// A line in numbers, as operators see it.
#[derive(Debug, Clone)]
pub struct Line(Value);

/// A member in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLine {
    /// Who.
    pub member: String,
    /// By which entry.
    pub number: u64,
}

impl Line {
    /// From the `data` of an answer.
    ///
    /// # Panics
    /// When one of its sums does not hold.
    #[track_caller]
    pub(crate) fn read(data: &Value) -> Self {
        assert_eq!(data["addsUp"], true, "the line does not add up: {data}");
        Self(data.clone())
    }

    /// How many there are now: `waiting`, `away`, `admitting`, `ready`, `inside` or `slots`.
    pub fn count(&self, name: &str) -> u64 {
        self.0["counts"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no count {name}: {}", self.0))
    }

    /// How many there were in all: `joined`, `admitted`, `left`, `unclaimed` and so on.
    pub fn total(&self, name: &str) -> u64 {
        self.0["totals"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no total {name}: {}", self.0))
    }

    /// How many were ever taken off the front, as long as none of them left while `admitting`.
    pub fn taken(&self) -> u64 {
        self.total("admitted") + self.count("admitting")
    }

    /// The store's time, in milliseconds.
    ///
    /// # Panics
    /// When it is no time.
    pub fn at_ms(&self) -> i64 {
        let at = serde_json::from_value::<UnixMs>(self.0["at"].clone());
        at.unwrap_or_else(|error| panic!("{error}: {}", self.0)).0
    }

    pub(crate) fn members(&self) -> Vec<InLine> {
        let page = self.0["members"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let one = |member: &Value| InLine {
            member: member["memberId"].as_str().unwrap_or_default().to_owned(),
            number: member["entryNumber"].as_u64().unwrap_or_default(),
        };
        page.iter().map(one).collect()
    }

    pub(crate) fn next_cursor(&self) -> Option<u64> {
        self.0["nextCursor"].as_u64()
    }
}
