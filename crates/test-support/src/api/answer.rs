use std::time::{Duration, Instant};

use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;

use super::documented_failures;

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, for messages.
    pub asked: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as received.
    pub text: String,
    /// The body as JSON, or null if it is not JSON.
    pub body: Value,
    /// How long it took.
    pub took: Duration,
}

/// Sends a request. Every failure of our services must have the documented shape.
///
/// # Panics
/// If no complete answer arrives: a service that closes a caller's connection fails the test. Also
/// if a failure lacks the fields, status or message in `docs/errors.md`, or is a 5xx other than
/// 503.
pub async fn send(request: RequestBuilder) -> Answer {
    let begun = Instant::now();
    let (http, request) = request.build_split();
    let request = request.expect("a test's request is well-formed");
    let asked = format!("{} {}", request.method(), request.url());
    let failed = |error| -> ! { panic!("no answer to {asked}: {error:?}") };
    let sent = http.execute(request).await;
    let response = sent.unwrap_or_else(|error| failed(error));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap_or_else(|error| failed(error));
    let body = serde_json::from_str(&text).unwrap_or_default();
    let answer = Answer {
        asked,
        status,
        headers,
        text,
        body,
        took: begun.elapsed(),
    };
    answer.check_failure();
    answer
}

impl Answer {
    /// Returns the answer if it has this status.
    ///
    /// # Panics
    /// If it has another one.
    #[track_caller]
    #[must_use]
    pub fn of(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text);
        self
    }

    /// Returns the `data` of a success with this status.
    ///
    /// # Panics
    /// If it is anything else.
    #[track_caller]
    pub fn data(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text);
        let keys: Vec<_> = self.body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["data", "message", "status"], "{}", self.text);
        assert_eq!(self.body["status"], status);
        &self.body["data"]
    }

    /// Returns the `data` of a failure with this code; null if it has none.
    ///
    /// # Panics
    /// If it has another code, or is not a failure.
    #[track_caller]
    pub fn fails(&self, code: &str) -> &Value {
        let (status, asked) = (self.status, &self.asked);
        assert_eq!(self.code(), code, "{asked} answered {status} {}", self.text);
        &self.body["data"]
    }

    /// Asserts that a dependency is reported as down: 503 with this code and a `Retry-After`,
    /// within five seconds.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn says_down(&self, code: &str) {
        self.fails(code);
        assert_eq!(self.status, 503, "{} answered {}", self.asked, self.text);
        let wait = self.header("retry-after").parse::<u32>();
        assert!(
            wait.is_ok_and(|wait| wait > 0),
            "{} answered no Retry-After",
            self.asked
        );
        let soon = self.took < Duration::from_secs(5);
        assert!(soon, "{} was answered after {:?}", self.asked, self.took);
    }

    /// Returns a header, or an empty string if it is missing.
    ///
    /// # Panics
    /// If it is not text.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    /// Returns `code`, or an empty string if there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Returns `data.entryNumber`.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn number(&self) -> u64 {
        let number = self.body["data"]["entryNumber"].as_u64();
        number.unwrap_or_else(|| panic!("{} answered no number: {}", self.asked, self.text))
    }

    /// Returns `data.status`, the word for a member's standing.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn stands(&self) -> &str {
        let word = self.body["data"]["status"].as_str();
        word.unwrap_or_else(|| panic!("{} answered no standing: {}", self.asked, self.text))
    }

    /// Checks the envelope of a failure. A proxy's own answers have no request id and are not
    /// checked; `/health` and `/ready` have their own shapes.
    fn check_failure(&self) {
        let ours = !self.header("x-request-id").is_empty();
        let probe = ["/health", "/ready"]
            .iter()
            .any(|path| self.asked.ends_with(path));
        if self.status < 400 || !ours || probe {
            return;
        }
        let fields = self.body.as_object().unwrap_or_else(|| panic!("{self:?}"));
        let known = ["code", "data", "message", "status"];
        let all_known = fields.keys().all(|key| known.contains(&key.as_str()));
        assert!(all_known, "{self:?}");
        let is_null = self.body.get("data") == Some(&Value::Null);
        assert!(!is_null, "left out, never null: {self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        assert!(self.status < 500 || self.status == 503, "{self:?}");
        let says_when = self.headers.contains_key("retry-after");
        assert_eq!(matches!(self.status, 429 | 503), says_when, "{self:?}");
        let documented = documented_failures();
        let found = documented.iter().find(|row| self.code() == row.code);
        let row = found.unwrap_or_else(|| panic!("an undocumented code: {self:?}"));
        assert_eq!(self.status, row.status, "{self:?}");
        let message = &self.body["message"];
        let is_documented = *message == row.korean || *message == row.english;
        assert!(is_documented, "{self:?}");
    }
}
