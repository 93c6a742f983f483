use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, header::RETRY_AFTER, redirect::Policy,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use sunbeon_domain::ConcertId;

use crate::{AccessToken, Error, Failure, GuestToken, Refusal, Result, Success, SunbeonUrl};

/// The time limit of a request unless [`Sunbeon::within`] sets another.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest answer in bytes: enough for 100,000 seats.
const LARGE: usize = 16 * 1024 * 1024;
/// The largest answer, in bytes, to requests that strangers can make a gate send.
const SMALL: usize = 64 * 1024;

/// Sunbeon at one address, called without a token. A cheap handle.
#[derive(Debug, Clone)]
pub struct Sunbeon {
    http: Client,
    url: Arc<SunbeonUrl>,
    limit: Duration,
}

impl Sunbeon {
    /// Creates the client of a front door. Sends nothing yet.
    ///
    /// # Errors
    /// If the system's certificates cannot be read.
    pub fn new(url: &SunbeonUrl) -> reqwest::Result<Self> {
        let http = Client::builder().redirect(Policy::none());
        let http = if url.is_https() {
            http
        } else {
            // Plain HTTP works on a machine without certificates.
            http.tls_certs_only([])
        };
        Ok(Self::with_http(url, http.build()?))
    }

    /// Creates the client of a front door over an HTTP client, which should not follow redirects.
    pub fn with_http(url: &SunbeonUrl, http: Client) -> Self {
        Self {
            http,
            url: Arc::new(url.clone()),
            limit: LIMIT,
        }
    }

    /// Returns the same address with another time limit for each request.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            limit,
            ..self.clone()
        }
    }

    /// Returns the address of the front door.
    pub fn url(&self) -> &SunbeonUrl {
        &self.url
    }

    /// Fetches the public snapshot of a line, reading the fields that `T` has. Returns `None` if
    /// the concert does not exist.
    pub async fn snapshot<T: DeserializeOwned>(&self, concert: &ConcertId) -> Result<Option<T>> {
        let path = format!("/v2/waiting-room/snapshot/{concert}");
        let answer = self.answer(self.request(Method::GET, &path), SMALL).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => answer.data().map(Some),
        }
    }

    /// Fetches a token for a new guest, if the concert admits guests.
    pub async fn guest(&self, concert: &ConcertId) -> Result<GuestToken> {
        let request = self.request(Method::POST, "/v2/waiting-room/guest");
        self.send(request.json(&json!({"concertId": concert})))
            .await
    }

    /// Fetches an access token, which only a standalone process on loopback hands out.
    pub async fn dev_token(&self, member: &str, admin: bool) -> Result<String> {
        let body = json!({"memberId": member, "name": member, "admin": admin});
        let request = self.request(Method::POST, "/dev/token").json(&body);
        let issued: AccessToken = self.send(request).await?;
        Ok(issued.token)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url.at(path));
        request.timeout(self.limit)
    }

    /// Sends a request and returns the `data` of its success.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        self.answer(request, LARGE).await?.data()
    }

    async fn answer(&self, request: RequestBuilder, most: usize) -> Result<Answer> {
        let response = request.send().await.map_err(Error::of_transport)?;
        let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let retry_after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        Ok(Answer {
            status: response.status(),
            retry_after: retry_after.map(Duration::from_secs),
            body: read(response, most).await?,
        })
    }
}

/// A complete answer.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    fn data<T: DeserializeOwned>(self) -> Result<T> {
        if !self.status.is_success() {
            return Err(Error::Refused(self.refusal()));
        }
        let parsed = serde_json::from_slice::<Success<T>>(&self.body);
        let success = parsed.map_err(|error| Error::nonsense(&error.to_string()))?;
        Ok(success.data)
    }

    fn refusal(self) -> Refusal {
        // A proxy on the way answers without the envelope.
        let failure = serde_json::from_slice::<Failure>(&self.body);
        let (code, data) = failure.map_or_else(
            |_| (String::new(), None),
            |failure| (failure.code, failure.data),
        );
        Refusal {
            status: self.status.as_u16(),
            code,
            retry_after: self.retry_after,
            data,
        }
    }
}

async fn read(mut response: Response, most: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::of_transport)? {
        if body.len() + chunk.len() > most {
            return Err(Error::nonsense(&format!("it is larger than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
