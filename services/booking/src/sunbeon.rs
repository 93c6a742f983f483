//! Sunbeon's API, called with the shop's origin token.

mod catalog;

use std::time::Duration;

use secrecy::SecretString;
use sunbeon_client::{Caller, Error, ExtendedSession, Refusal, SunbeonUrl};
use sunbeon_domain::{Code, Coded, Concert, ConcertId, StockReport};

pub(crate) use self::catalog::Catalog;
use crate::stock::Session;

/// The time limit of every request except [`Sunbeon::extend`].
const LIMIT: Duration = Duration::from_secs(2);
/// Shorter, because a fan waits for the answer and can do without it.
const EXTEND_LIMIT: Duration = Duration::from_secs(1);
/// The time limit for reading all concerts, which takes several requests.
const ALL_LIMIT: Duration = Duration::from_secs(5);

/// The client's Sunbeon, called with the shop's origin token. A cheap handle.
#[derive(Clone)]
pub struct Sunbeon(Caller);

/// Why a request to Sunbeon failed.
#[derive(Debug, thiserror::Error)]
pub enum SunbeonError {
    /// Sunbeon did not answer, or refused.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Reading all concerts took too long.
    #[error("reading all concerts took longer than {} s", ALL_LIMIT.as_secs())]
    Slow,
    /// Sunbeon failed a moment ago; the next request must wait.
    #[error("Sunbeon failed a moment ago")]
    Pause(Code),
}

impl Coded for SunbeonError {
    /// Returns the code for what is unavailable: Sunbeon itself says which of its parts is, if it
    /// answers.
    fn code(&self) -> Code {
        match self {
            Self::Failed(Error::Refused(Refusal {
                status: 503, code, ..
            })) => Code::all()
                .find(|known| known.word() == code)
                .unwrap_or(Code::WaitingRoomDown),
            Self::Pause(code) => *code,
            Self::Failed(_) | Self::Slow => Code::WaitingRoomDown,
        }
    }
}

type Result<T> = std::result::Result<T, SunbeonError>;

impl Sunbeon {
    /// Creates the client of the front door at `url`, without making any requests yet.
    ///
    /// # Errors
    /// If the system's certificates cannot be read.
    pub fn new(url: &SunbeonUrl, token: SecretString) -> anyhow::Result<Self> {
        let sunbeon = sunbeon_client::Sunbeon::new(url)?;
        Ok(Self(sunbeon.within(LIMIT).by(token)))
    }

    /// Returns all concerts, in the order of their ids.
    pub(crate) async fn concerts(&self) -> Result<Vec<Concert>> {
        let all = tokio::time::timeout(ALL_LIMIT, self.0.concerts()).await;
        Ok(all.map_err(|_| SunbeonError::Slow)??)
    }

    /// Returns one concert, or `None` if it does not exist.
    pub(crate) async fn concert(&self, id: &ConcertId) -> Result<Option<Concert>> {
        Ok(self.0.concert(id).await?)
    }

    /// Tells a line what is left, and returns whether anybody is in it or inside.
    pub(crate) async fn report_stock(&self, id: &ConcertId, left: &StockReport) -> Result<bool> {
        Ok(self.0.report_stock(id, left).await?)
    }

    /// Ends a session. Does nothing if it has already ended.
    pub(crate) async fn complete(&self, session: &Session) -> Result<()> {
        let Session {
            concert_id,
            member_id,
            entry_number,
        } = session;
        let completed = self
            .0
            .complete_session(concert_id, member_id, *entry_number);
        Ok(completed.await?)
    }

    /// Extends a session to cover a hold that starts now, as far as the policy allows, and returns
    /// its booking token. Returns `None` if the session has ended.
    pub(crate) async fn extend(&self, session: &Session) -> Result<Option<ExtendedSession>> {
        let Session {
            concert_id,
            member_id,
            entry_number,
        } = session;
        let caller = self.0.within(EXTEND_LIMIT);
        let extended = caller.extend_session(concert_id, member_id, *entry_number);
        Ok(extended.await?)
    }
}
