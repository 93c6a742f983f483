//! What a shop asks of Sunbeon with its own token.

mod catalog;

use std::time::Duration;

use secrecy::SecretString;
use sunbeon_client::{Caller, Error, ExtendedSession, SunbeonUrl};
use sunbeon_domain::{Code, Coded, Concert, ConcertId, EntryNumber, MemberId};

pub(crate) use self::catalog::Catalog;

/// The limit of every request but [`Sunbeon::extend`].
const LIMIT: Duration = Duration::from_secs(2);
/// A fan waits for the answer meanwhile, and can do without.
const EXTEND_LIMIT: Duration = Duration::from_secs(1);
/// The limit of reading all concerts, which takes several requests.
const ALL_LIMIT: Duration = Duration::from_secs(5);

/// Sunbeon, asked with the origin token. A cheap handle.
#[derive(Clone)]
pub struct Sunbeon(Caller);

/// Why Sunbeon did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SunbeonError {
    /// Sunbeon did not answer, or refused.
    #[error(transparent)]
    Failed(#[from] Error),
    /// Reading all concerts took too long.
    #[error("reading all concerts took longer than {} s", ALL_LIMIT.as_secs())]
    Slow,
    /// Sunbeon failed a moment ago and is not asked again yet.
    #[error("Sunbeon failed a moment ago")]
    Pause,
}

impl Coded for SunbeonError {
    fn code(&self) -> Code {
        Code::WaitingRoomDown
    }
}

type Result<T> = std::result::Result<T, SunbeonError>;

impl Sunbeon {
    /// Returns the client of the front door at `url`. Asks nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(url: &SunbeonUrl, token: SecretString) -> anyhow::Result<Self> {
        let sunbeon = sunbeon_client::Sunbeon::new(url)?;
        Ok(Self(sunbeon.within(LIMIT).by(token)))
    }

    /// Reads all concerts, in the order of their ids.
    pub(crate) async fn concerts(&self) -> Result<Vec<Concert>> {
        let all = tokio::time::timeout(ALL_LIMIT, self.0.concerts()).await;
        Ok(all.map_err(|_| SunbeonError::Slow)??)
    }

    /// Reads one concert; nothing where there is none.
    pub(crate) async fn concert(&self, id: &ConcertId) -> Result<Option<Concert>> {
        Ok(self.0.concert(id).await?)
    }

    /// Ends the session of an entry. Where there is none any longer, nothing happens.
    pub(crate) async fn complete(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<()> {
        Ok(self.0.complete_session(concert, member, entry).await?)
    }

    /// Moves the end of a session's booking token to the end of a hold that begins now, and returns
    /// the token; nothing where the session is over.
    pub(crate) async fn extend(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        entry: EntryNumber,
    ) -> Result<Option<ExtendedSession>> {
        let caller = self.0.within(EXTEND_LIMIT);
        Ok(caller.extend_session(concert, member, entry).await?)
    }
}
