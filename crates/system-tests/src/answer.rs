use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// What a service answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, for messages.
    pub asked: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null where it is not JSON.
    pub body: Value,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// Itself, if it has this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    #[must_use]
    pub fn of(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.body);
        self
    }

    /// Asserts that it is a refusal with this status and code.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) {
        let got = (self.status, self.code());
        assert_eq!(got, (status, code), "{} answered {}", self.asked, self.body);
    }

    /// Asserts that a dependency is said to be down: 503, this code, when to come back, and within
    /// five seconds.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn says_down(&self, code: &str) {
        self.refuses(503, code);
        let wait = self
            .header("retry-after")
            .and_then(|wait| wait.parse::<u32>().ok());
        assert!(
            wait.is_some_and(|wait| wait > 0),
            "{} answered no Retry-After",
            self.asked
        );
        let soon = self.took < Duration::from_secs(5);
        assert!(soon, "{} was answered after {:?}", self.asked, self.took);
    }

    /// A header, if there is one that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `code`, empty where there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// `data`.
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// `data.entryNumber`.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn number(&self) -> u64 {
        let number = self.data()["entryNumber"].as_u64();
        number.unwrap_or_else(|| panic!("{} answered no number: {}", self.asked, self.body))
    }

    /// `data.status`, the word for where a member stands.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn stands(&self) -> &str {
        let word = self.data()["status"].as_str();
        word.unwrap_or_else(|| panic!("{} answered no standing: {}", self.asked, self.body))
    }
}
