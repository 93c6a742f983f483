//! One GET request with limits.

use std::time::Duration;

use reqwest::{Client, Url, redirect::Policy};

const LARGEST: usize = 1024 * 1024;
const REDIRECTS: usize = 5;

/// Why a fetch did not yield keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("could not set up the HTTP client")]
    Client,
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("the answer is not UTF-8")]
    NoText,
    #[error("the answer holds no usable keys")]
    NoKeys,
}

impl Failure {
    /// Returns whether the publisher is up but refuses.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(400..=499))
    }
}

pub(crate) struct Fetcher {
    url: Url,
    /// `None` if the system's certificates cannot be read; every fetch fails then.
    client: Option<Client>,
}

impl Fetcher {
    pub(crate) fn new(url: Url, timeout: Duration) -> Self {
        let scheme = url.scheme().to_owned();
        let encrypted = scheme == "https";
        let same_scheme = Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS || attempt.url().scheme() != scheme {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        let mut client = Client::builder().timeout(timeout).redirect(same_scheme);
        if !encrypted {
            // Plain HTTP works on a machine without certificates.
            client = client.tls_certs_only([]);
        }
        Self {
            url,
            client: client.build().ok(),
        }
    }

    /// Returns the host, for the log; the whole URL may hold a password.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns the body of a 200.
    pub(crate) async fn get(&self) -> Result<String, Failure> {
        let client = self.client.as_ref().ok_or(Failure::Client)?;
        let no_answer = |error: reqwest::Error| Failure::NoAnswer(error.without_url());
        let mut response = client
            .get(self.url.clone())
            .send()
            .await
            .map_err(no_answer)?;
        if response.status() != 200 {
            return Err(Failure::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| Failure::NoText)
    }
}
