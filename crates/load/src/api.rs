//! The fan's side of the HTTP API.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, Response, Url, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sunbeon_domain::{ConcertId, Status};
use tokio::sync::Semaphore;

use crate::{latency::Recorder, targets::Targets};

/// Longest wait for one answer: an outage of theirs must not look like a hang of ours.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a fan can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the route of that name")]
pub enum Verb {
    Enter,
    Status,
    Token,
    Complete,
    Exit,
}

impl Verb {
    pub(crate) const ALL: [Self; 5] = [
        Self::Enter,
        Self::Status,
        Self::Token,
        Self::Complete,
        Self::Exit,
    ];

    pub(crate) fn name(self) -> &'static str {
        self.route().1
    }

    fn route(self) -> (Method, &'static str) {
        match self {
            Self::Enter => (Method::POST, "enter"),
            Self::Status => (Method::GET, "status"),
            Self::Token => (Method::GET, "token"),
            Self::Complete => (Method::POST, "complete"),
            Self::Exit => (Method::POST, "exit"),
        }
    }
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    pub(crate) concert: &'a ConcertId,
    pub(crate) access_token: &'a str,
    /// Header `X-Queue-Token`.
    pub(crate) booking_token: Option<&'a str>,
    /// A failure code that is the right answer here.
    pub(crate) expected: Option<&'static str>,
}

/// A request to the shop behind the gate.
#[derive(Debug, Clone)]
pub(crate) struct Purchase<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) access_token: &'a str,
    /// Header `X-Queue-Token`.
    pub(crate) booking_token: &'a str,
    pub(crate) body: Option<Value>,
}

/// What an answer's `data` may say; what does not apply is left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Told {
    pub(crate) status: Option<Status>,
    pub(crate) entry_number: Option<u64>,
    pub(crate) queue_number: Option<u64>,
    pub(crate) poll_after_ms: Option<u64>,
    pub(crate) token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    code: Option<String>,
    data: Option<Told>,
}

/// An answer that was asked for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) told: Told,
    /// When the first attempt was sent.
    pub(crate) first_sent: Instant,
    /// When the attempt that was answered was sent.
    pub(crate) sent: Instant,
    /// When its last byte had arrived.
    pub(crate) answered: Instant,
}

/// An answer that was not, or none at all.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// HTTP status and code, or why there was no answer.
    pub what: String,
    /// Whether the same request may succeed later.
    pub transient: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn lasting(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            transient: false,
            retry_after: None,
        }
    }

    fn unanswered(error: &reqwest::Error) -> Self {
        let why = match error {
            error if error.is_timeout() => "timeout",
            error if error.is_connect() => "no connection",
            _ => "broken off",
        };
        Self {
            transient: true,
            ..Self::lasting(why)
        }
    }
}

/// A client with a bound on the requests in flight.
pub struct Api {
    client: Client,
    targets: Targets,
    permits: Semaphore,
    turn: AtomicUsize,
    pub(crate) recorder: Option<Recorder>,
}

impl Api {
    /// At most `connections` requests at a time, over kept-alive HTTP/1.1.
    pub fn new(targets: Targets, connections: usize) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: client(connections)?,
            targets,
            permits: Semaphore::new(connections),
            turn: AtomicUsize::new(0),
            recorder: None,
        })
    }

    /// The same, with every request on record.
    pub(crate) fn recorded(self) -> Self {
        Self {
            recorder: Some(Recorder::default()),
            ..self
        }
    }

    /// Asks until there is an answer or a failure that will not pass. Whoever asks to enter again
    /// after no answer may well be in line already.
    pub(crate) async fn insist(&self, mut call: Call<'_>) -> Result<Answer, Failure> {
        let mut first_sent = None;
        loop {
            let result = self.ask(&call, &mut first_sent).await;
            match result {
                Err(failure) if failure.transient => {
                    let pause = failure.retry_after.unwrap_or(Duration::from_secs(1));
                    tokio::time::sleep(pause.min(Duration::from_secs(30))).await;
                }
                settled => return settled,
            }
            if call.verb == Verb::Enter {
                call.expected = Some("ALREADY_IN_QUEUE");
            }
        }
    }

    async fn ask(&self, call: &Call<'_>, first: &mut Option<Instant>) -> Result<Answer, Failure> {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let request = self.request(call);
        let sent = Instant::now();
        let first_sent = *first.get_or_insert(sent);
        let result = match request.send().await {
            Ok(response) => self.read(call, response, sent).await,
            Err(error) => Err(Failure::unanswered(&error)),
        };
        match (result, &self.recorder) {
            (Err(failure), Some(recorder)) => {
                recorder.failed(call.verb, failure.what.clone());
                Err(failure)
            }
            (result, _) => result.map(|(told, answered)| Answer {
                told,
                first_sent,
                sent,
                answered,
            }),
        }
    }

    async fn read(
        &self,
        call: &Call<'_>,
        response: Response,
        sent: Instant,
    ) -> Result<(Told, Instant), Failure> {
        let http = response.status();
        let header = response.headers().get(RETRY_AFTER);
        let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = response
            .bytes()
            .await
            .map_err(|error| Failure::unanswered(&error))?;
        let answered = Instant::now();
        if let Some(recorder) = &self.recorder {
            recorder.answered(call.verb, sent, answered);
        }
        let silent = matches!(call.verb, Verb::Complete | Verb::Exit);
        if silent && http.is_success() {
            return Ok((Told::default(), answered));
        }
        let envelope = serde_json::from_slice::<Envelope>(&bytes);
        let code = envelope
            .as_ref()
            .ok()
            .and_then(|envelope| envelope.code.as_deref());
        if !http.is_success() && (code.is_none() || code != call.expected) {
            return Err(Failure {
                what: format!("{} {}", http.as_u16(), code.unwrap_or("WITHOUT_CODE")),
                transient: http.is_server_error() || http.as_u16() == 429,
                retry_after: seconds.map(Duration::from_secs),
            });
        }
        match envelope.ok().and_then(|envelope| envelope.data) {
            Some(told) => Ok((told, answered)),
            None => Err(Failure::lasting(&format!(
                "{} with unreadable data",
                http.as_u16()
            ))),
        }
    }

    /// Asks the shop once. What it refuses for good reason (402, 409) is no answer and no failure.
    pub(crate) async fn purchase<T: DeserializeOwned>(
        &self,
        purchase: Purchase<'_>,
    ) -> Result<Option<T>, Failure> {
        #[derive(Deserialize)]
        struct Told<T> {
            data: T,
        }
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let bases = &self.targets.waiting_room;
        let base = &bases[self.turn.fetch_add(1, Ordering::Relaxed) % bases.len()];
        let mut request = self
            .client
            .request(purchase.method, at(base, purchase.path))
            .bearer_auth(purchase.access_token)
            .header("X-Queue-Token", purchase.booking_token);
        if let Some(body) = &purchase.body {
            request = request
                .header("Idempotency-Key", uuid::Uuid::new_v4().to_string())
                .json(body);
        }
        let unanswered = |error| Failure::unanswered(&error);
        let response = request.send().await.map_err(unanswered)?;
        let status = response.status().as_u16();
        match status {
            200..300 => {
                let told: Told<T> = response.json().await.map_err(unanswered)?;
                Ok(Some(told.data))
            }
            402 | 409 => Ok(None),
            _ => Err(Failure::lasting(&format!("{status} from the shop"))),
        }
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let (method, name) = call.verb.route();
        let (bases, group) = match call.verb {
            Verb::Token | Verb::Complete => (&self.targets.token, "reservation"),
            _ => (&self.targets.waiting_room, "waiting-room"),
        };
        let base = &bases[self.turn.fetch_add(1, Ordering::Relaxed) % bases.len()];
        let path = match call.verb {
            Verb::Enter => format!("v2/{group}/{name}"),
            _ => format!("v2/{group}/{name}/{}", call.concert),
        };
        let mut request = self
            .client
            .request(method, at(base, &path))
            .bearer_auth(call.access_token);
        if let Some(token) = call.booking_token {
            request = request.header("X-Queue-Token", token);
        }
        match call.verb {
            Verb::Enter => request.json(&json!({"concertId": call.concert})),
            _ => request,
        }
    }
}

/// No proxies and no redirects: a request goes where it was sent or nowhere.
pub(crate) fn client(connections: usize) -> Result<Client, reqwest::Error> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(connections)
        .timeout(PATIENCE)
        .build()
}

/// A path below an address.
pub(crate) fn at(base: &Url, path: &str) -> String {
    format!("{}/{path}", base.as_str().trim_end_matches('/'))
}
