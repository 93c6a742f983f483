#![doc = include_str!("../README.md")]

mod fetch;
#[cfg(test)]
mod tests;

use std::{error::Error, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
pub use reqwest::Url;
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::fetch::{Failure, Fetcher};

/// Keys that are published at a URL, as last fetched. A cheap handle.
pub struct RemoteKeys<T>(Arc<Remote<T>>);

/// The text is not the address of a web server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an http:// or https:// address")]
pub struct NotHttpUrl;

/// Parses an `http://` or `https://` address.
pub fn http_url(text: &str) -> Result<Url, NotHttpUrl> {
    let url = Url::parse(text).map_err(|_| NotHttpUrl)?;
    let is_http = matches!(url.scheme(), "http" | "https");
    is_http.then_some(url).ok_or(NotHttpUrl)
}

type Parse<T> = Box<dyn Fn(&str) -> Option<T> + Send + Sync>;

struct Remote<T> {
    fetcher: Fetcher,
    parse: Parse<T>,
    pace: Pace,
    known: Mutex<Known<T>>,
    /// Held during a fetch; records when the last one began.
    attempt: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

struct Known<T> {
    keys: Option<Arc<T>>,
    /// The text that `keys` was parsed from.
    text: String,
    failing: bool,
    /// Whether the last fetch was refused.
    turned_away: bool,
}

/// When to fetch.
#[derive(Clone, Copy)]
struct Pace {
    fresh: Duration,
    after_failure: Duration,
    /// The pause between the start of a fetch and the next requested one.
    asked: Duration,
    timeout: Duration,
}

const PACE: Pace = Pace {
    fresh: Duration::from_secs(60),
    after_failure: Duration::from_secs(1),
    asked: Duration::from_secs(10),
    timeout: Duration::from_secs(2),
};

impl<T: Send + Sync + 'static> RemoteKeys<T> {
    /// Creates the handle for a URL; `parse` returns `None` for a text without usable keys. Fetches
    /// nothing yet.
    pub fn new(url: Url, parse: impl Fn(&str) -> Option<T> + Send + Sync + 'static) -> Self {
        Self::paced(url, parse, PACE)
    }

    fn paced(
        url: Url,
        parse: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
        pace: Pace,
    ) -> Self {
        Self(Arc::new(Remote {
            fetcher: Fetcher::new(url, pace.timeout),
            parse: Box::new(parse),
            pace,
            known: Mutex::new(Known {
                keys: None,
                text: String::new(),
                failing: false,
                turned_away: false,
            }),
            attempt: Arc::default(),
        }))
    }

    /// Returns the current keys, or `None` before the first successful fetch. Fetching the same
    /// text again keeps the same `Arc`.
    pub fn current(&self) -> Option<Arc<T>> {
        self.0.known().keys.clone()
    }

    /// Returns whether there are no keys because the publisher refuses to hand them out (it
    /// answered the last fetch with a 4xx such as 429), rather than being unreachable.
    pub fn is_turned_away(&self) -> bool {
        let known = self.0.known();
        known.keys.is_none() && known.turned_away
    }

    /// Fetches the keys for a token with an unknown key and returns them. However many callers ask,
    /// there is at most one fetch in 10 s; otherwise the current keys are returned. Waits for a
    /// fetch in progress.
    pub async fn refreshed(&self) -> Option<Arc<T>> {
        let attempt = self.0.attempt.clone().lock_owned().await;
        let due = attempt.is_none_or(|began| began.elapsed() >= self.0.pace.asked);
        if due {
            // A separate task continues when the caller goes away, so that nobody can waste the one
            // allowed fetch.
            let remote = self.0.clone();
            let fetch = tokio::spawn(async move { remote.fetch(attempt).await });
            let _ended = fetch.await;
        }
        self.current()
    }

    /// Fetches at start and every 60 s, or every second after a failure, until `shutdown` is
    /// cancelled. A failure keeps the previous keys.
    pub async fn keep_fresh(self, shutdown: CancellationToken) {
        let fetching = async {
            loop {
                let attempt = self.0.attempt.clone().lock_owned().await;
                let fetched = self.0.fetch(attempt).await;
                let pace = &self.0.pace;
                sleep(if fetched {
                    pace.fresh
                } else {
                    pace.after_failure
                })
                .await;
            }
        };
        shutdown.run_until_cancelled(fetching).await;
    }
}

impl<T> Remote<T> {
    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock()
    }

    /// Returns whether the fetch succeeded.
    async fn fetch(&self, mut attempt: OwnedMutexGuard<Option<Instant>>) -> bool {
        *attempt = Some(Instant::now());
        let fetched = self.fetcher.get().await.and_then(|text| self.take(text));
        let failing = fetched.is_err();
        let failed_before = {
            let mut known = self.known();
            known.turned_away = fetched.as_ref().is_err_and(Failure::is_refusal);
            std::mem::replace(&mut known.failing, failing)
        };
        let host = self.fetcher.host();
        metrics::gauge!("sunbeon_keys_failing", "host" => host.to_owned())
            .set(f64::from(u8::from(failing)));
        match fetched {
            Err(failure) if !failed_before => {
                let error = &failure as &(dyn Error + 'static);
                tracing::warn!(
                    error,
                    host,
                    "could not fetch public keys; keeping the previous ones and retrying"
                );
            }
            Ok(()) if failed_before => tracing::info!(host, "public keys fetched again"),
            _ => {}
        }
        !failing
    }

    fn take(&self, text: String) -> Result<(), Failure> {
        let same = {
            let known = self.known();
            known.keys.is_some() && known.text == text
        };
        if !same {
            let keys = (self.parse)(&text).ok_or(Failure::NoKeys)?;
            let mut known = self.known();
            known.keys = Some(Arc::new(keys));
            known.text = text;
        }
        Ok(())
    }
}

impl<T> Clone for RemoteKeys<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
