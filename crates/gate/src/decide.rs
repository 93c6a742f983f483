//! Deciding who passes.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_tokens::{Claims, InvalidToken, Presented, Verifier, presented};

use crate::{
    feeds::{Blindness, Feed, Sight},
    gate::Inner,
    settings::OnFailure,
    snapshot::{Found, Unknown},
    visit::{Admitted, Visit},
};

/// How long a visit waits while the feed of its concert is read for the first time.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// The token that admits.
    good: Option<Arc<Claims>>,
    /// A token that admits unless its session has ended early, which this feed cannot say now.
    unsure: Option<(Arc<Claims>, Arc<Feed>)>,
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
            let refused = self.keys.is_turned_away();
            return Ok(self.blind(&case, &Reading::default(), refused));
        };
        let reading = self.read(&case, &keys, now);
        if let Some(claims) = &reading.good {
            return Ok(Decision::Admitted(Admitted::by(claims)));
        }
        let unsure = reading.unsure.as_ref().map(|(claims, _)| &claims.cid);
        let concert = unsure.or(case.concert).or(reading.foreign_concert());
        match concert.and_then(|concert| self.feeds.blindness(concert)) {
            Some(why) => Ok(self.blind(&case, &reading, why == Blindness::Refused)),
            None => Err(reading),
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
        let reading = if reading.unknown_key && reading.unsure.is_none() {
            self.keys.refreshed().await;
            match self.at_once(visit, headers, now()) {
                Ok(decision) => return decision,
                Err(reading) => reading,
            }
        } else {
            reading
        };
        let reading = if let Some((_, feed)) = &reading.unsure {
            feed.first_poll(PATIENCE).await;
            match self.at_once(visit, headers, now()) {
                Ok(decision) => return decision,
                Err(reading) if reading.unsure.is_some() => {
                    return self.blind(&case, &reading, false);
                }
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

    /// Decides for a gate that is blind. If Sunbeon `refused` its requests, because it asks too often or
    /// with the wrong address or token, that never opens the gate: strangers behind the same address
    /// may have caused it.
    fn blind(&self, case: &Case<'_>, reading: &Reading, refused: bool) -> Decision {
        if self.on_failure == OnFailure::Closed || refused {
            return Decision::Down;
        }
        match (&reading.unsure, case.concert.or(reading.foreign_concert())) {
            (Some((claims, _)), _) => Decision::Admitted(Admitted::by(claims)),
            (None, Some(concert)) => Decision::Admitted(Admitted::unnumbered(case.member, concert)),
            (None, None) => Decision::Refused(Refusal::default()),
        }
    }

    fn read(&self, case: &Case<'_>, keys: &Arc<Verifier>, now: i64) -> Reading {
        let mut reading = Reading {
            spent: case.presented.by_cookie && !case.presented.tokens.is_empty(),
            ..Reading::default()
        };
        for token in &case.presented.tokens {
            match self.claims(keys, token) {
                Ok(claims) => self.add(&mut reading, case, claims, now),
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

    fn add(&self, reading: &mut Reading, case: &Case<'_>, claims: Arc<Claims>, now: i64) {
        let is_elsewhere = case.concert.is_some_and(|concert| *concert != claims.cid);
        if claims.exp <= now || self.feeds.has_ended(&claims.cid, claims.ent) {
            reading.ended = Some(claims.cid.clone());
        } else if is_elsewhere {
            reading.foreign = Some(claims);
        } else if claims.sub == *case.member {
            let feed = self.feeds.follow(&claims.cid);
            match feed.sight(claims.ent) {
                Sight::Ended => {
                    reading.ended = Some(claims.cid.clone());
                    return;
                }
                Sight::Lives => reading.good = Some(claims),
                Sight::Unknown => reading.unsure = Some((claims, feed)),
            }
            reading.spent = false;
        } else {
            // Its holder may log in again.
            reading.foreign = Some(claims);
            reading.spent = false;
        }
    }
}

impl Reading {
    fn foreign_concert(&self) -> Option<&ConcertId> {
        self.foreign.as_ref().map(|claims| &claims.cid)
    }

    /// If the path names no concert, a token tells which line it was for.
    fn refusal(&self, case: &Case<'_>) -> Refusal {
        let foreign = self.foreign_concert();
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
