//! What a shop asks of Sunbeon, by HTTP and with its own token.

mod catalog;

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use sunbeon_chassis::{Failure, Success};
use sunbeon_domain::{Code, Coded, Concert, ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_gate::SunbeonUrl;

pub(crate) use self::catalog::Catalog;

/// Of every call but [`Sunbeon::extend`].
const LIMIT: Duration = Duration::from_secs(2);
/// A fan waits for the answer meanwhile, and can do without.
const EXTEND_LIMIT: Duration = Duration::from_secs(1);
/// Of a reading of all concerts.
const ALL_LIMIT: Duration = Duration::from_secs(5);
const PAGE: u32 = 1_000;

/// A client of Sunbeon's API. A cheap handle.
#[derive(Clone)]
pub struct Sunbeon(Arc<Inner>);

struct Inner {
    http: Client,
    url: SunbeonUrl,
    token: SecretString,
}

/// The system gives no TLS, so that no client can be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up HTTP")]
pub struct InvalidClient(#[source] reqwest::Error);

/// Why Sunbeon did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SunbeonError {
    /// No answer within the limit, or none that can be read.
    #[error("Sunbeon does not answer")]
    Unanswered(#[source] reqwest::Error),
    /// It takes too long.
    #[error("Sunbeon takes too long")]
    Slow,
    /// It did not answer a moment ago.
    #[error("Sunbeon did not answer a moment ago")]
    Pause,
    /// An answer that is no success.
    #[error("Sunbeon refuses: {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code; empty where the answer is none of Sunbeon's.
        code: String,
    },
}

impl SunbeonError {
    fn says(&self, expected: Code) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected.word())
    }
}

impl Coded for SunbeonError {
    fn code(&self) -> Code {
        Code::WaitingRoomDown
    }
}

type Result<T> = std::result::Result<T, SunbeonError>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    concerts: Vec<Concert>,
    next_cursor: Option<ConcertId>,
}

/// A booking token whose end may have been moved.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extended {
    pub(crate) token: String,
    pub(crate) expires_at: UnixMs,
}

impl Sunbeon {
    /// Makes a client of the front door at `url`, with the origin's token. Asks nothing yet.
    pub fn new(url: &SunbeonUrl, token: SecretString) -> std::result::Result<Self, InvalidClient> {
        // A redirect would carry the token to wherever it leads.
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(LIMIT)
            .build()
            .map_err(InvalidClient)?;
        Ok(Self(Arc::new(Inner {
            http,
            url: url.clone(),
            token,
        })))
    }

    /// All concerts, in the order of their ids.
    pub(crate) async fn concerts(&self) -> Result<Vec<Concert>> {
        let all = tokio::time::timeout(ALL_LIMIT, self.every_page()).await;
        all.unwrap_or(Err(SunbeonError::Slow))
    }

    async fn every_page(&self) -> Result<Vec<Concert>> {
        let mut path = format!("/v2/admin/concerts?limit={PAGE}");
        let mut concerts = Vec::new();
        loop {
            let page: Page = self.send(self.get(&path)).await?;
            concerts.extend(page.concerts);
            match page.next_cursor {
                Some(next) => path = format!("/v2/admin/concerts?limit={PAGE}&cursor={next}"),
                None => return Ok(concerts),
            }
        }
    }

    /// One concert; nothing where there is none.
    pub(crate) async fn concert(&self, id: &ConcertId) -> Result<Option<Concert>> {
        let found = self.send(self.get(&format!("/v2/admin/concerts/{id}")));
        match found.await {
            Err(error) if error.says(Code::ConcertNotFound) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Ends the session of an entry. Again, or where there is none: nothing more happens.
    pub(crate) async fn complete(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<()> {
        let request = self.session(concert, "complete", member, entry);
        match self.send::<serde::de::IgnoredAny>(request).await {
            Err(error) if error.says(Code::ConcertNotFound) => Ok(()),
            done => done.map(drop),
        }
    }

    /// The booking token again, its end moved once to the end of a hold that is taken now; nothing
    /// where the session is over.
    pub(crate) async fn extend(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<Option<Extended>> {
        let request = self.session(concert, "extend", member, entry);
        match self.send(request.timeout(EXTEND_LIMIT)).await {
            Err(error) if error.says(Code::NotReady) => Ok(None),
            extended => extended.map(Some),
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.0.http.get(self.0.url.at(path))
    }

    fn session(
        &self,
        concert: &ConcertId,
        act: &str,
        member: &MemberId,
        entry: EntryNumber,
    ) -> RequestBuilder {
        let path = format!("/v2/reservation/sessions/{concert}/{act}");
        let body = json!({ "memberId": member, "entryNumber": entry });
        let request = self.0.http.post(self.0.url.at(&path));
        request.json(&body)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let request = request.bearer_auth(self.0.token.expose_secret());
        let answer = request.send().await.map_err(SunbeonError::Unanswered)?;
        let status = answer.status();
        if status == StatusCode::OK {
            let answer = answer.json::<Success<T>>().await;
            return Ok(answer.map_err(SunbeonError::Unanswered)?.data);
        }
        let failure = answer.json::<Failure>().await;
        Err(SunbeonError::Refused {
            status: status.as_u16(),
            code: failure.map(|failure| failure.code).unwrap_or_default(),
        })
    }
}
