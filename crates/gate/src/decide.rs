//! Who passes.

use std::{collections::HashSet, sync::Arc};

use http::HeaderMap;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_tokens::{Claims, InvalidToken, Presented, Verifier, presented};

use crate::{
    gate::Inner,
    settings::OnFailure,
    snapshot::{Found, Unknown},
    visit::{Admitted, Visit},
};

/// What becomes of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Admitted(Admitted),
    Refused(Refusal),
    /// Sunbeon cannot be asked now, and nobody passes meanwhile.
    Down,
}

/// A visit that does not pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Refusal {
    /// The line to go to, where a concert is known.
    pub(crate) concert: Option<ConcertId>,
    /// The concert whose cookies can no longer let anybody in.
    pub(crate) spent_cookie: Option<ConcertId>,
}

/// A visit with a member.
struct Case<'a> {
    member: &'a MemberId,
    concert: Option<&'a ConcertId>,
    presented: Presented<'a>,
}

/// What the tokens of a visit say, each of them checked once.
#[derive(Default)]
pub(crate) struct Reading {
    /// The one that admits, revocation not regarded.
    good: Option<Arc<Claims>>,
    /// Another that is signed and not expired: good for somebody or something else.
    foreign: Option<Arc<Claims>>,
    /// The concert of one that was good once.
    ended: Option<ConcertId>,
    /// One is signed by a key that is not known here; it may be published by now.
    unknown_key: bool,
    /// They come from cookies, and none of them will ever be good again.
    spent: bool,
}

impl Inner {
    /// Decides without asking Sunbeon, or returns what the tokens say where that is not enough. `now`
    /// is in seconds since the epoch.
    pub(crate) fn at_once(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        now: i64,
    ) -> Result<Decision, Reading> {
        let Some(case) = Case::of(visit, headers) else {
            return Ok(Decision::Refused(Refusal::to(visit.concert.as_ref())));
        };
        let Some(keys) = self.keys.current() else {
            return Ok(self.blind(&case, &Reading::default()));
        };
        let revoked = self.revoked.current();
        let reading = self.read(&case, &keys, revoked.as_deref(), now);
        match (&reading.good, revoked) {
            (_, None) => Ok(self.blind(&case, &reading)),
            (Some(claims), Some(_)) => Ok(Decision::Admitted(Admitted::by(claims))),
            (None, Some(_)) => Err(reading),
        }
    }

    /// Decides by asking Sunbeon where that helps. `now` tells the time when it is needed.
    pub(crate) async fn after_asking(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        reading: Reading,
        now: fn() -> i64,
    ) -> Decision {
        let Some(case) = Case::of(visit, headers) else {
            return Decision::Refused(Refusal::to(visit.concert.as_ref()));
        };
        let reading = if reading.unknown_key {
            self.keys.refreshed().await;
            match self.at_once(visit, headers, now()) {
                Ok(decision) => return decision,
                Err(reading) => reading,
            }
        } else {
            reading
        };
        let Some(concert) = case.concert else {
            return Decision::Refused(reading.refusal(&case));
        };
        match self.modes.find(&self.sunbeon, concert).await {
            Ok(Found::Concert(it)) if it.is_open_to(case.member) => {
                Decision::Admitted(Admitted::unnumbered(case.member, concert))
            }
            Ok(_) => Decision::Refused(reading.refusal(&case)),
            Err(Unknown::Unreachable) if self.on_failure == OnFailure::Open => {
                Decision::Admitted(Admitted::unnumbered(case.member, concert))
            }
            // Sunbeon may well be up, and whoever causes this must not gain by it.
            Err(_) => Decision::Down,
        }
    }

    fn blind(&self, case: &Case<'_>, reading: &Reading) -> Decision {
        if self.on_failure == OnFailure::Closed || self.is_turned_away() {
            return Decision::Down;
        }
        let foreign = reading.foreign.as_ref().map(|claims| &claims.cid);
        match (&reading.good, case.concert.or(foreign)) {
            (Some(claims), _) => Decision::Admitted(Admitted::by(claims)),
            (None, Some(concert)) => Decision::Admitted(Admitted::unnumbered(case.member, concert)),
            (None, None) => Decision::Refused(Refusal::default()),
        }
    }

    /// Whether Sunbeon answers, but not this gate: it asks too often, or its address is wrong. That
    /// opens nothing, for strangers behind the same address can cause it.
    fn is_turned_away(&self) -> bool {
        self.revoked.is_turned_away() || self.keys.is_turned_away()
    }

    fn read(
        &self,
        case: &Case<'_>,
        keys: &Arc<Verifier>,
        revoked: Option<&HashSet<String>>,
        now: i64,
    ) -> Reading {
        let mut reading = Reading {
            spent: case.presented.by_cookie && !case.presented.tokens.is_empty(),
            ..Reading::default()
        };
        for token in &case.presented.tokens {
            match self.claims(keys, token) {
                Ok(claims) => reading.add(case, claims, revoked, now),
                Err(error) => {
                    reading.unknown_key |= error == InvalidToken::UnknownKey;
                    reading.spent &= error.is_final();
                }
            }
        }
        reading
    }

    /// Returns the claims of a token whose signature, issuer and audience are right, expired or not.
    fn claims(&self, keys: &Arc<Verifier>, token: &str) -> Result<Arc<Claims>, InvalidToken> {
        if let Some(claims) = self.seen.get(keys, token) {
            return Ok(claims);
        }
        let claims = Arc::new(keys.claims_at(token, i64::MIN)?);
        self.seen.keep(keys, token, claims.clone());
        Ok(claims)
    }
}

impl Reading {
    fn add(
        &mut self,
        case: &Case<'_>,
        claims: Arc<Claims>,
        revoked: Option<&HashSet<String>>,
        now: i64,
    ) {
        let is_revoked = revoked.is_some_and(|ids| ids.contains(&claims.jti));
        let is_elsewhere = case.concert.is_some_and(|concert| *concert != claims.cid);
        if is_revoked || claims.exp <= now {
            self.ended = Some(claims.cid.clone());
        } else if is_elsewhere {
            self.foreign = Some(claims);
        } else if claims.sub == *case.member {
            self.good = Some(claims);
            self.spent = false;
        } else {
            // Its holder may log in again.
            self.foreign = Some(claims);
            self.spent = false;
        }
    }

    /// Where the address names no concert, a token says which line it was for.
    fn refusal(&self, case: &Case<'_>) -> Refusal {
        let foreign = self.foreign.as_ref().map(|claims| &claims.cid);
        let concert = case.concert.or(foreign).or(self.ended.as_ref());
        Refusal {
            spent_cookie: case.concert.filter(|_| self.spent).cloned(),
            ..Refusal::to(concert)
        }
    }
}

impl Refusal {
    fn to(concert: Option<&ConcertId>) -> Self {
        Self {
            concert: concert.cloned(),
            spent_cookie: None,
        }
    }
}

impl<'a> Case<'a> {
    fn of(visit: &'a Visit, headers: &'a HeaderMap) -> Option<Self> {
        let concert = visit.concert.as_ref();
        Some(Self {
            member: visit.member.as_ref()?,
            concert,
            presented: presented(headers, concert),
        })
    }
}
