//! What the server answered, checked for the one shape of all answers.

use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;

const MANUAL: &str = include_str!("../../../../docs/errors.md");

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the answer is no JSON.
    pub(crate) body: Value,
}

/// One row of the manual's table.
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) english: &'static str,
    pub(crate) korean: &'static str,
}

/// The table of `docs/errors.md`.
pub(crate) fn manual() -> Vec<Failure> {
    let rows = MANUAL.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [code, status, english, korean] = cells[..] else {
            panic!("a row of four cells: {row}");
        };
        Failure {
            code: code.trim_matches('`'),
            status: status.parse().expect("a status"),
            english,
            korean: korean.trim_end_matches('|').trim(),
        }
    })
    .collect()
}

/// Sends a request. A failure must have the shape, status and message of the manual, and nothing
/// is ever a 5xx but the 503 of a dependency.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a whole answer");
    let body = serde_json::from_str(&text).unwrap_or_default();
    let answer = Answer {
        status,
        headers,
        text,
        body,
    };
    answer.check();
    answer
}

impl Answer {
    /// The `data` of a success of this status.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}", self.text);
        let keys: Vec<_> = self.body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["data", "message", "status"], "{}", self.text);
        assert_eq!(self.body["status"], status);
        &self.body["data"]
    }

    /// The `data` of a failure of this code; null where it has none.
    #[track_caller]
    pub(crate) fn fails(&self, code: &str) -> &Value {
        assert_eq!(self.body["code"], code, "{} {}", self.status, self.text);
        &self.body["data"]
    }

    /// A header, empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }

    #[track_caller]
    fn check(&self) {
        assert!(!self.header("x-request-id").is_empty(), "{self:?}");
        if self.status < 400 || self.body.get("dependencies").is_some() {
            return;
        }
        let fields = self.body.as_object().unwrap_or_else(|| panic!("{self:?}"));
        let known = ["code", "data", "message", "status"];
        assert!(
            fields.keys().all(|key| known.contains(&key.as_str())),
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status, "{self:?}");
        assert!(self.status < 500 || self.status == 503, "{self:?}");
        assert_eq!(
            matches!(self.status, 429 | 503),
            self.headers.contains_key("retry-after"),
            "{self:?}"
        );
        assert!(
            self.body.get("data") != Some(&Value::Null),
            "left out, never null: {self:?}"
        );
        let row = manual()
            .into_iter()
            .find(|row| self.body["code"] == row.code);
        let row = row.unwrap_or_else(|| panic!("a code of the manual: {self:?}"));
        assert_eq!(self.status, row.status, "{self:?}");
        let message = &self.body["message"];
        assert!(
            *message == row.korean || *message == row.english,
            "{self:?}"
        );
    }
}
