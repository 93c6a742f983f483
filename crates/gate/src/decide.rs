//! Who passes.

use std::sync::Arc;

use http::HeaderMap;
use sunbeon_domain::{ConcertId, MemberId, UnixMs};
use sunbeon_tokens::{Claims, InvalidToken, Verifier};

use crate::{
    Admitted, Inner, OnFailure, Visit,
    modes::{Found, Unknown},
    token,
};

/// What becomes of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Admitted(Admitted),
    /// To the line, where a concert is known.
    Refused(Option<ConcertId>),
    /// Sunbeon cannot be asked now, and nobody passes meanwhile.
    Down,
}

/// A visit with a member.
struct Case<'a> {
    member: &'a MemberId,
    concert: Option<&'a ConcertId>,
    token: Option<&'a str>,
}

impl Inner {
    /// The decision, where nothing has to be asked for it. `now` is in seconds since the epoch.
    pub(crate) fn at_once(&self, visit: &Visit, headers: &HeaderMap, now: i64) -> Option<Decision> {
        let Some(case) = Case::of(visit, headers) else {
            return Some(Decision::Refused(visit.concert.clone()));
        };
        let (Some(keys), Some(revoked)) = (self.keys.current(), self.revoked.current()) else {
            return Some(self.blind(&case, now));
        };
        let claims = self.claims(&keys, case.token?).ok()?;
        let good = case.admits(&claims, now) && !revoked.contains(&claims.jti);
        good.then(|| Decision::Admitted(Admitted::by(&claims)))
    }

    /// The decision, asking Sunbeon where that helps. `now` tells the time when it is needed.
    pub(crate) async fn after_asking(
        &self,
        visit: &Visit,
        headers: &HeaderMap,
        now: fn() -> i64,
    ) -> Decision {
        let Some(case) = Case::of(visit, headers) else {
            return Decision::Refused(visit.concert.clone());
        };
        if self.is_by_an_unknown_key(&case) {
            self.keys.refreshed().await;
            if let Some(decision) = self.at_once(visit, headers, now()) {
                return decision;
            }
        }
        let Some(concert) = case.concert else {
            return Decision::Refused(self.concert_of(&case));
        };
        match self.modes.find(&self.sunbeon, concert).await {
            Ok(Found::Concert(it)) if it.is_open_to(case.member) => {
                Decision::Admitted(case.unnumbered(concert))
            }
            Ok(_) => Decision::Refused(Some(concert.clone())),
            // No token of theirs was good.
            Err(Unknown::Unreachable) if self.on_failure == OnFailure::Open => {
                Decision::Admitted(case.unnumbered(concert))
            }
            // Sunbeon may well be well, and whoever causes this is not to gain by it.
            Err(_) => Decision::Down,
        }
    }

    fn blind(&self, case: &Case<'_>, now: i64) -> Decision {
        if self.on_failure == OnFailure::Closed {
            return Decision::Down;
        }
        let keys = self.keys.current();
        let claims = keys.zip(case.token);
        let claims = claims.and_then(|(keys, token)| self.claims(&keys, token).ok());
        match (claims.filter(|claims| claims.exp > now), case.concert) {
            (Some(claims), _) if case.admits(&claims, now) => {
                Decision::Admitted(Admitted::by(&claims))
            }
            (_, Some(concert)) => Decision::Admitted(case.unnumbered(concert)),
            (Some(claims), None) => Decision::Admitted(case.unnumbered(&claims.cid)),
            (None, None) => Decision::Refused(None),
        }
    }

    /// What a token says whose signature, issuer and audience are right; whenever it ends.
    fn claims(&self, keys: &Arc<Verifier>, token: &str) -> Result<Arc<Claims>, InvalidToken> {
        if let Some(claims) = self.seen.get(keys, token) {
            return Ok(claims);
        }
        let claims = Arc::new(keys.claims_at(token, i64::MIN)?);
        self.seen.keep(keys, token, claims.clone());
        Ok(claims)
    }

    fn is_by_an_unknown_key(&self, case: &Case<'_>) -> bool {
        let keys = self.keys.current();
        keys.zip(case.token).is_some_and(|(keys, token)| {
            self.claims(&keys, token).err() == Some(InvalidToken::UnknownKey)
        })
    }

    /// Which line a token was for that is good no longer.
    fn concert_of(&self, case: &Case<'_>) -> Option<ConcertId> {
        let claims = self.claims(&self.keys.current()?, case.token?).ok()?;
        Some(claims.cid.clone())
    }
}

impl<'a> Case<'a> {
    fn of(visit: &'a Visit, headers: &'a HeaderMap) -> Option<Self> {
        let concert = visit.concert.as_ref();
        Some(Self {
            member: visit.member.as_ref()?,
            concert,
            token: token::presented(headers, concert),
        })
    }

    /// But for revocation.
    fn admits(&self, claims: &Claims, now: i64) -> bool {
        claims.exp > now
            && claims.sub == *self.member
            && self.concert.is_none_or(|concert| claims.cid == *concert)
    }

    fn unnumbered(&self, concert: &ConcertId) -> Admitted {
        Admitted {
            concert: concert.clone(),
            member: self.member.clone(),
            entry_number: None,
            until: None,
        }
    }
}

impl Admitted {
    fn by(claims: &Claims) -> Self {
        Self {
            concert: claims.cid.clone(),
            member: claims.sub.clone(),
            entry_number: Some(claims.ent),
            until: Some(UnixMs(claims.exp.saturating_mul(1_000))),
        }
    }
}
