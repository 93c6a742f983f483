use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use sunbeon_domain::{Code, ConcertId, Standing};
use sunbeon_tokens::{QUEUE_PASS, QUEUE_TOKEN};

use crate::{Error, IssuedToken, MySeat, MySeats, Result, Sunbeon};

/// A caller with an access token: a member or guest, a shop's back end, or an admin. A cheap
/// handle.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) sunbeon: Sunbeon,
    access_token: SecretString,
}

/// The answer to [`Caller::enter`]: the part of the store's answer that is sent over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entering {
    /// A new entry was created.
    New(Standing),
    /// The member already had an entry and keeps it.
    Already(Standing),
}

impl Sunbeon {
    /// Returns a caller with the given access token.
    pub fn by(&self, access_token: impl Into<SecretString>) -> Caller {
        Caller::new(self.clone(), access_token.into())
    }
}

impl Caller {
    fn new(sunbeon: Sunbeon, access_token: SecretString) -> Self {
        Self {
            sunbeon,
            access_token,
        }
    }

    /// Returns the same caller with another time limit for each request.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self::new(self.sunbeon.within(limit), self.access_token.clone())
    }

    /// Lines up, or goes straight in if the concert's mode allows it.
    pub async fn enter(&self, concert: &ConcertId) -> Result<Entering> {
        let request = self.request(Method::POST, "/v2/waiting-room/enter");
        let entered = self.send(request.json(&json!({"concertId": concert})));
        match entered.await {
            Ok(standing) => Ok(Entering::New(standing)),
            Err(Error::Refused(refusal)) if refusal.code == Code::AlreadyInQueue.word() => {
                let parsed = serde_json::from_value(refusal.data.unwrap_or_default());
                let standing = parsed.map_err(|error| Error::nonsense(&error.to_string()))?;
                Ok(Entering::Already(standing))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the member's standing. Asking also keeps the member's place.
    pub async fn status(&self, concert: &ConcertId) -> Result<Standing> {
        let path = format!("/v2/waiting-room/status/{concert}");
        self.send(self.request(Method::GET, &path)).await
    }

    /// Returns the member's standing as [`Caller::status`] does, for less, by the `pass` of the last
    /// standing.
    pub async fn poll(&self, concert: &ConcertId, pass: &str) -> Result<Standing> {
        let path = format!("/v2/waiting-room/status/{concert}");
        let request = self.request(Method::GET, &path).header(QUEUE_PASS, pass);
        self.send(request).await
    }

    /// Leaves the line or ends the session.
    pub async fn exit(&self, concert: &ConcertId) -> Result<()> {
        let path = format!("/v2/waiting-room/exit/{concert}");
        self.done(self.request(Method::POST, &path)).await
    }

    /// Fetches the booking token: READY becomes ENTERED. While the session lives, every call
    /// returns the same token.
    pub async fn booking_token(&self, concert: &ConcertId) -> Result<IssuedToken> {
        let path = format!("/v2/reservation/token/{concert}");
        self.send(self.request(Method::GET, &path)).await
    }

    /// Ends the member's session.
    pub async fn complete(&self, concert: &ConcertId, booking_token: &str) -> Result<()> {
        let path = format!("/v2/reservation/complete/{concert}");
        let request = self.request(Method::POST, &path);
        self.done(request.header(QUEUE_TOKEN, booking_token)).await
    }

    /// Returns the seats of a concert that the member holds or has bought.
    pub async fn my_seats(&self, concert: &ConcertId) -> Result<Vec<MySeat>> {
        let path = format!("/v2/concerts/{concert}/seats/mine");
        let mine: MySeats = self.send(self.request(Method::GET, &path)).await?;
        Ok(mine.seats)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.sunbeon.request(method, path);
        request.bearer_auth(self.access_token.expose_secret())
    }

    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        self.sunbeon.send(request).await
    }

    /// Sends a request whose success carries no data.
    pub(crate) async fn done(&self, request: RequestBuilder) -> Result<()> {
        self.send::<IgnoredAny>(request).await.map(drop)
    }
}
