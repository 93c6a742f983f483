//! What the shop answered, checked for the one shape of all answers.

use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Sends a request. A failure must have the envelope's shape, and nothing is a 5xx but a 503.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the shop answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a whole answer");
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let answer = Answer {
        status,
        headers,
        body,
    };
    if status >= 400 {
        assert_eq!(answer.body["status"], status, "{answer:?}");
        assert!(answer.body["code"].is_string(), "{answer:?}");
        assert!(status < 500 || status == 503, "{answer:?}");
        assert_eq!(status == 503, !answer.header("retry-after").is_empty());
    }
    answer
}

impl Answer {
    /// The `data` of a success of this status.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{self:?}");
        &self.body["data"]
    }

    /// The `data` of a failure of this code; null where it has none.
    #[track_caller]
    pub(crate) fn fails(&self, code: &str) -> &Value {
        assert_eq!(self.body["code"], code, "{self:?}");
        &self.body["data"]
    }

    /// A header, empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }
}
