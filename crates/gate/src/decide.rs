//! Deciding who passes.

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

/// The decision about a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Admitted(Admitted),
    Refused(Refusal),
    /// Sunbeon cannot be asked now, so nobody passes.
    Down,
}

/// The refusal of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Refusal {
    /// The line to join, if the concert is known.
    pub(crate) concert: Option<ConcertId>,
    /// The concert whose cookies can no longer let anybody in.
    pub(crate) spent_cookie: Option<ConcertId>,
}

/// A visit of a known member.
struct Case<'a> {
    member: &'a MemberId,
    concert: Option<&'a ConcertId>,
    presented: Presented<'a>,
}

/// The result of reading a visit's tokens, each checked once.
#[derive(Default)]
pub(crate) struct Reading {
    /// The token that admits, apart from revocation.
    good: Option<Arc<Claims>>,
    /// Another token that is signed and not expired, but valid for somebody or something else.
    foreign: Option<Arc<Claims>>,
    /// The concert of a token that used to be valid.
    ended: Option<ConcertId>,
    /// A token was signed with an unknown key, which may have been published by now.
    unknown_key: bool,
    /// The tokens come from cookies, and none of them can ever be valid again.
    spent: bool,
}

impl Inner {
    /// Decides without asking Sunbeon, or returns the reading if that is not possible. `now` is in
    /// seconds since the epoch.
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

    /// Decides, asking Sunbeon where that helps. `now` returns the time when it is needed.
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
            // Sunbeon may well be up, and whoever causes this must not profit from it.
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

    /// Returns whether Sunbeon answers but refuses this gate, because it asks too often or has the
    /// wrong address. That never opens the gate, because strangers behind the same address can
    /// cause it.
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

    /// Returns the claims of a token with the right signature, issuer and audience, expired or not.
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
            // Its owner may log in again.
            self.foreign = Some(claims);
            self.spent = false;
        }
    }

    /// If the path names no concert, a token tells which line it was for.
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
