//! The fans' side of the HTTP API: bounded, measured and persistent.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Client, Url};
use sunbeon_client::{Caller, Entering, Error, InvalidUrl, Sunbeon, SunbeonUrl};
use sunbeon_domain::{ConcertId, Standing, Status};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{latency::Recorder, targets::Targets, verb::Verb};

/// How old the view is at most from which a service answers a pass.
const VIEW_AGE: Duration = Duration::from_secs(5);

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    pub(crate) concert: &'a ConcertId,
    pub(crate) access_token: &'a str,
    /// Sent with `complete`.
    pub(crate) booking_token: &'a str,
    /// Sent with `status`, if there is one.
    pub(crate) pass: Option<&'a str>,
    /// Whether `enter` may find that the member is already in line.
    pub(crate) again: bool,
}

/// The contents of an answer; fields that do not apply are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) status: Option<Status>,
    pub(crate) entry_number: Option<u64>,
    pub(crate) queue_number: Option<u64>,
    pub(crate) poll_after_ms: Option<u64>,
    pub(crate) token: Option<String>,
    pub(crate) pass: Option<String>,
}

impl From<Standing> for Told {
    fn from(standing: Standing) -> Self {
        Self {
            status: Some(standing.status),
            entry_number: standing.entry_number.map(|number| number.0),
            queue_number: standing.queue_number,
            poll_after_ms: standing.poll_after_ms,
            token: None,
            pass: standing.pass,
        }
    }
}

/// A success, with its times.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) told: Told,
    /// When the first attempt was sent.
    pub(crate) first_sent: Instant,
    /// A moment at which what it tells was so: a pass is answered from a view of the line that may be
    /// [`VIEW_AGE`] old, everything else from the store. `None` if this machine's clock reaches not so far back.
    pub(crate) true_at: Option<Instant>,
    /// When the answer had arrived completely.
    pub(crate) answered: Instant,
}

/// A refusal, or a request without an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// The HTTP status and code, or why there was no answer.
    pub what: String,
    /// Whether a retry may succeed later.
    pub transient: bool,
    retry_after: Option<Duration>,
    is_answer: bool,
}

impl Failure {
    pub(crate) fn lasting(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            transient: false,
            retry_after: None,
            is_answer: true,
        }
    }

    fn unanswered(why: &str) -> Self {
        Self {
            transient: true,
            is_answer: false,
            ..Self::lasting(why)
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::TimedOut(_) => Self::unanswered("timeout"),
            Error::Unreachable(cause) if cause.is_connect() => Self::unanswered("no connection"),
            Error::Unreachable(_) => Self::unanswered("broken off"),
            Error::Nonsense(why) => Self::lasting(&format!("unreadable: {why}")),
            Error::Refused(refusal) => {
                let code = match refusal.code.as_str() {
                    "" => "WITHOUT_CODE",
                    code => code,
                };
                Self {
                    transient: refusal.status >= 500 || refusal.status == 429,
                    retry_after: refusal.retry_after,
                    ..Self::lasting(&format!("{} {code}", refusal.status))
                }
            }
        }
    }
}

/// The instances of each service, with a limit on concurrent requests.
pub struct Instances {
    waiting_room: Vec<Sunbeon>,
    token: Vec<Sunbeon>,
    permits: Semaphore,
    turn: AtomicUsize,
    pub(crate) recorder: Option<Recorder>,
}

/// Permission to send one request to the shop.
pub(crate) struct Turn<'a> {
    pub(crate) sunbeon: &'a Sunbeon,
    _permit: SemaphorePermit<'a>,
}

impl Instances {
    /// Sends at most `connections` requests at a time over kept-alive HTTP/1.1.
    pub fn new(targets: &Targets, connections: usize) -> anyhow::Result<Self> {
        let http = client(connections)?;
        let all = |urls: &[Url]| {
            let each = urls.iter().map(|url| at(url, &http));
            each.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            waiting_room: all(&targets.waiting_room)?,
            token: all(&targets.token)?,
            permits: Semaphore::new(connections),
            turn: AtomicUsize::new(0),
            recorder: None,
        })
    }

    /// Returns the same API with every request recorded.
    pub(crate) fn recorded(self) -> Self {
        Self {
            recorder: Some(Recorder::default()),
            ..self
        }
    }

    /// Retries until there is an answer or a permanent failure. A member who repeats `enter` after
    /// a lost answer may already be in line.
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
            call.again = true;
        }
    }

    /// Waits for permission to send one request to the shop.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        let permit = self.permits.acquire().await;
        Turn {
            sunbeon: self.next(&self.waiting_room),
            _permit: permit.expect("the semaphore is never closed"),
        }
    }

    async fn ask(&self, call: &Call<'_>, first: &mut Option<Instant>) -> Result<Answer, Failure> {
        let permit = self.permits.acquire().await;
        let _permit = permit.expect("the semaphore is never closed");
        let instances = match call.verb {
            Verb::Token | Verb::Complete => &self.token,
            Verb::Enter | Verb::Status | Verb::Exit => &self.waiting_room,
        };
        let caller = self.next(instances).by(call.access_token);
        let sent = Instant::now();
        let first_sent = *first.get_or_insert(sent);
        let result = call.send(&caller).await;
        let answered = Instant::now();
        self.note(call.verb, &result, sent, answered);
        result.map(|told| Answer {
            told,
            first_sent,
            true_at: call.true_at(sent),
            answered,
        })
    }

    fn note(&self, verb: Verb, result: &Result<Told, Failure>, sent: Instant, answered: Instant) {
        let Some(recorder) = &self.recorder else {
            return;
        };
        if result
            .as_ref()
            .err()
            .is_none_or(|failure| failure.is_answer)
        {
            recorder.answered(verb, sent, answered);
        }
        if let Err(failure) = result {
            recorder.failed(verb, failure.what.clone());
        }
    }

    fn next<'a>(&self, instances: &'a [Sunbeon]) -> &'a Sunbeon {
        &instances[self.turn.fetch_add(1, Ordering::Relaxed) % instances.len()]
    }
}

impl Call<'_> {
    fn true_at(&self, sent: Instant) -> Option<Instant> {
        match (self.verb, self.pass) {
            (Verb::Status, Some(_)) => sent.checked_sub(VIEW_AGE),
            _ => Some(sent),
        }
    }

    async fn send(&self, caller: &Caller) -> Result<Told, Failure> {
        let told = match self.verb {
            Verb::Enter => match caller.enter(self.concert).await? {
                Entering::New(standing) => standing.into(),
                Entering::Already(standing) if self.again => standing.into(),
                Entering::Already(_) => return Err(Failure::lasting("409 ALREADY_IN_QUEUE")),
            },
            Verb::Status => match self.pass {
                Some(pass) => caller.poll(self.concert, pass).await?.into(),
                None => caller.status(self.concert).await?.into(),
            },
            Verb::Token => Told {
                token: Some(caller.booking_token(self.concert).await?.token),
                ..Told::default()
            },
            Verb::Complete => {
                caller.complete(self.concert, self.booking_token).await?;
                Told::default()
            }
            Verb::Exit => {
                caller.exit(self.concert).await?;
                Told::default()
            }
        };
        Ok(told)
    }
}

/// Returns a client of one address over shared connections.
pub(crate) fn at(url: &Url, http: &Client) -> Result<Sunbeon, InvalidUrl> {
    let url = SunbeonUrl::parse(url.as_str())?;
    Ok(Sunbeon::with_http(&url, http.clone()))
}

/// Returns an HTTP client without proxies or redirects: requests only go where they were sent.
pub(crate) fn client(connections: usize) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(connections)
        .build()
}
