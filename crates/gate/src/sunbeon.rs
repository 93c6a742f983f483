//! Asking Sunbeon, with limits.

use std::time::Duration;

use reqwest::{
    Client,
    header::{ETAG, HeaderMap, IF_NONE_MATCH},
    redirect::Policy,
};

use crate::settings::{InvalidSettings, SunbeonUrl};

/// Sunbeon's front door.
pub(crate) struct Sunbeon {
    url: SunbeonUrl,
    client: Client,
}

pub(crate) enum Answer {
    Found { body: Vec<u8>, etag: Option<String> },
    NotModified,
    NotFound,
}

/// Why there is no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("Sunbeon does not answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("Sunbeon answered {0}")]
    Status(u16),
    #[error("Sunbeon's answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("Sunbeon's answer has another shape")]
    Shape(#[source] serde_json::Error),
    #[error("Sunbeon answered that a list has not changed which was never fetched")]
    NothingBefore,
    #[error("Sunbeon is asked for too many concerts at once")]
    TooMany,
}

impl NoAnswer {
    /// Returns whether Sunbeon is down or in disorder, rather than up and unwilling.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooLarge(_) | Self::Shape(_) | Self::NothingBefore => true,
            Self::Status(status) => *status >= 500,
            Self::TooMany => false,
        }
    }
}

impl Sunbeon {
    pub(crate) fn new(url: &SunbeonUrl) -> Result<Self, InvalidSettings> {
        let client = Client::builder().redirect(Policy::none());
        let client = if url.is_https() {
            client
        } else {
            // A machine without certificates can do without them.
            client.tls_certs_only([])
        };
        Ok(Self {
            url: url.clone(),
            client: client.build().map_err(|_| InvalidSettings::Client)?,
        })
    }

    /// Sends a GET that reads no more than `limit` bytes and takes no longer than `time`.
    pub(crate) async fn get(
        &self,
        path: &str,
        etag: Option<&str>,
        limit: usize,
        time: Duration,
    ) -> Result<Answer, NoAnswer> {
        let unreachable = |error: reqwest::Error| NoAnswer::Unreachable(error.without_url());
        let mut request = self.client.get(self.url.at(path)).timeout(time);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        match response.status().as_u16() {
            200 => {}
            304 if etag.is_some() => return Ok(Answer::NotModified),
            304 => return Err(NoAnswer::NothingBefore),
            404 => return Ok(Answer::NotFound),
            other => return Err(NoAnswer::Status(other)),
        }
        let etag = etag_of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                return Err(NoAnswer::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer::Found { body, etag })
    }
}

fn etag_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(ETAG)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_refuses_is_not_out_of_reach() {
        for status in [204, 302, 400, 401, 403, 429] {
            assert!(!NoAnswer::Status(status).is_unreachable(), "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert!(NoAnswer::Status(status).is_unreachable(), "{status}");
        }
        assert!(!NoAnswer::TooMany.is_unreachable());
    }
}
