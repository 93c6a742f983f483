//! The beat: members can fetch their tokens, so the time for it goes on.

use std::time::Duration;

use sunbeon_chassis::Rounds;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_store::{Role, TokenFacts};
use tokio_util::sync::CancellationToken;

use crate::Token;

const BEAT: Duration = Duration::from_secs(1);

impl Token {
    /// Beats once a second while tokens can be signed, until `shutdown` is cancelled.
    pub async fn beat(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        Rounds::every(BEAT, "beat")
            .run(&shutdown, || self.beat_once())
            .await;
        Ok(())
    }

    async fn beat_once(&self) -> sunbeon_store::Result<()> {
        if !self.can_sign() {
            tracing::error!("booking tokens cannot be signed; members are not called on schedule");
            return Ok(());
        }
        let beat = async |id: ConcertId, beat| match beat {
            Some(beat) => self.store.beat(&id, beat).await,
            None => Ok(()),
        };
        self.heard.beat(&*self.store, Role::Token, beat).await
    }

    fn can_sign(&self) -> bool {
        let parsed = (MemberId::parse("nobody"), ConcertId::parse("nothing"));
        let (Ok(member), Ok(concert)) = parsed else {
            return false;
        };
        let facts = TokenFacts {
            number: EntryNumber(0),
            jti: String::new(),
            kid: self.keys.active_kid().to_owned(),
            iat: 0,
            exp: 0,
        };
        self.sign(&member, &concert, &facts).is_ok()
    }
}
