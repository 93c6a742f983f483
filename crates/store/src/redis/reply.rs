//! Reading the scripts' flat replies.

use std::str::FromStr;

use sunbeon_domain::{
    Concert, EntryNumber, EntryState, Estimate, LineFacts, MemberId, Pace, Slots, UnixMs,
};

use crate::{
    Admission, Counts, Extension, FeedPage, FeedPlace, LimitedBy, Listed, Result, Revoked,
    Snapshot, StandingFacts, StoreError, Taken, TakenEntry, TokenFacts, Totals,
};

/// Reads what `revoked.lua` replies: packed, for there may be very many.
pub(super) fn feed_page(reply: &[Vec<u8>]) -> Result<FeedPage> {
    let [held, oldest, packed] = reply else {
        return Err(nonsense("a page of the feed has three parts"));
    };
    let oldest: u64 = std::str::from_utf8(oldest)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| nonsense("an order is a number"))?;
    let (each, rest) = packed.as_chunks::<20>();
    if !rest.is_empty() {
        return Err(nonsense("the feed is cut off"));
    }
    Ok(FeedPage {
        goes_on: held == b"1",
        oldest: Some(oldest).filter(|order| *order != 0),
        revoked: each.iter().map(revoked).collect(),
    })
}

fn revoked(packed: &[u8; 20]) -> Revoked {
    let [a, b, c, d, e, f, g, h, p, q, r, s, order @ ..] = *packed;
    Revoked {
        place: FeedPlace {
            order: u64::from_be_bytes(order),
            number: EntryNumber(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        },
        until: u32::from_be_bytes([p, q, r, s]).into(),
    }
}

/// A flat reply, read word by word.
pub(super) struct Words(std::vec::IntoIter<String>);

pub(super) fn nonsense(why: impl Into<String>) -> StoreError {
    StoreError::Bug(why.into().into())
}

impl Words {
    pub(super) fn new(reply: Vec<String>) -> Self {
        Self(reply.into_iter())
    }

    pub(super) fn text(&mut self) -> Result<String> {
        self.0
            .next()
            .ok_or_else(|| nonsense("the reply is too short"))
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Result<T> {
        let word = self.text()?;
        word.parse()
            .map_err(|_| nonsense(format!("{word:?} is no such number")))
    }

    fn flag(&mut self) -> Result<bool> {
        Ok(self.number::<u8>()? == 1)
    }

    pub(super) fn moment(&mut self) -> Result<UnixMs> {
        self.number().map(UnixMs)
    }

    fn maybe_moment(&mut self) -> Result<Option<UnixMs>> {
        Ok(Some(self.moment()?).filter(|moment| moment.0 != 0))
    }

    fn entry(&mut self) -> Result<EntryNumber> {
        self.number().map(EntryNumber)
    }

    fn maybe_entry(&mut self) -> Result<Option<EntryNumber>> {
        Ok(Some(self.entry()?).filter(|number| number.0 != 0))
    }

    fn member(&mut self) -> Result<MemberId> {
        MemberId::parse(self.text()?).map_err(|error| StoreError::Bug(Box::new(error)))
    }

    pub(super) fn concert(&mut self) -> Result<Concert> {
        serde_json::from_str(&self.text()?).map_err(|error| StoreError::Bug(Box::new(error)))
    }

    fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn pace(&mut self) -> Result<Pace> {
        Ok(Pace {
            one: self.number()?,
            five: self.number()?,
            fifteen: self.number()?,
            since: self.maybe_moment()?,
        })
    }

    /// What `found` of `found.lua` gives, behind its kind.
    pub(super) fn standing_facts(&mut self) -> Result<StandingFacts> {
        let (at, concert, state) = (self.moment()?, self.concert()?, self.text()?);
        let (number, queue_number) = (self.entry()?, self.number()?);
        let (live_ahead, until) = (self.number()?, self.moment()?);
        let state = match state.as_str() {
            "NONE" => EntryState::None,
            "WAITING" | "AWAY" => EntryState::Waiting {
                number,
                queue_number,
                live_ahead,
            },
            "ADMITTING" => EntryState::Admitting { number },
            "READY" => EntryState::Ready { number, until },
            "ENTERED" => EntryState::Entered { number, until },
            other => return Err(nonsense(format!("{other:?} is no state"))),
        };
        Ok(StandingFacts {
            at,
            concert,
            state,
            line_facts: self.line_facts()?,
        })
    }

    /// What `add_line_facts` of `found.lua` gives.
    fn line_facts(&mut self) -> Result<LineFacts> {
        let (line_length, pace) = (self.number()?, self.pace()?);
        let (last_take_at, slower_since) = (self.maybe_moment()?, self.maybe_moment()?);
        let used = self.number::<i64>()?;
        let slots = match u64::try_from(used) {
            Ok(used) => {
                let mut free_at = [UnixMs(0); 4];
                for moment in &mut free_at {
                    *moment = self.moment()?;
                }
                Some(Slots { used, free_at })
            }
            Err(_) => None,
        };
        Ok(LineFacts {
            line_length,
            pace,
            last_take_at,
            slower_since,
            slots,
        })
    }

    /// Whether a new entry would wait too long, from what `enter` gives to weigh.
    pub(super) fn would_wait_too_long(&mut self) -> Result<bool> {
        let (at, concert, ahead) = (self.moment()?, self.concert()?, self.number()?);
        let estimate = Estimate::new(ahead, &self.line_facts()?, &concert.policy, at);
        Ok(estimate.is_long(&concert.policy, at))
    }

    pub(super) fn token_facts(&mut self) -> Result<TokenFacts> {
        Ok(TokenFacts {
            number: self.entry()?,
            jti: self.text()?,
            kid: self.text()?,
            iat: self.number()?,
            exp: self.number()?,
        })
    }

    pub(super) fn extension(&mut self) -> Result<Extension> {
        Ok(Extension {
            concert: self.concert()?,
            token: self.token_facts()?,
            extended: self.flag()?,
        })
    }

    pub(super) fn admission(&mut self) -> Result<Admission> {
        match self.text()?.as_str() {
            "CLOSED" => Ok(Admission::Closed),
            "KEY_REUSED" => Ok(Admission::KeyReused),
            "TAKEN" => Ok(Admission::Taken(Box::new(self.taken()?))),
            other => Err(nonsense(format!("{other:?} is no admission"))),
        }
    }

    fn taken(&mut self) -> Result<Taken> {
        let (concert, taken_at) = (self.concert()?, self.moment()?);
        let (total, more, still_waiting) = (self.number()?, self.flag()?, self.number()?);
        let limited_by = match self.text()?.as_str() {
            "batchSize" => LimitedBy::BatchSize,
            "maxActive" => LimitedBy::MaxActive,
            "line" => LimitedBy::Line,
            other => return Err(nonsense(format!("{other:?} limits no opening"))),
        };
        let replayed = self.flag()?;
        let mut entries = Vec::new();
        while !self.is_empty() {
            let (member, number, name) = (self.member()?, self.entry()?, self.text()?);
            entries.push(TakenEntry {
                member,
                number,
                name,
                taken_at,
            });
        }
        let paused = concert.policy.paused;
        Ok(Taken {
            concert,
            entries,
            total,
            more,
            still_waiting,
            limited_by,
            paused,
            replayed,
        })
    }

    pub(super) fn due_again(&mut self) -> Result<(Concert, Vec<TakenEntry>)> {
        let concert = self.concert()?;
        let mut due = Vec::new();
        while !self.is_empty() {
            let (member, number, name) = (self.member()?, self.entry()?, self.text()?);
            due.push(TakenEntry {
                member,
                number,
                name,
                taken_at: self.moment()?,
            });
        }
        Ok((concert, due))
    }

    pub(super) fn listed(&mut self) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        while !self.is_empty() {
            let (member, number, name) = (self.member()?, self.entry()?, self.text()?);
            listed.push(Listed {
                member,
                number,
                name,
                away: self.flag()?,
            });
        }
        Ok(listed)
    }

    pub(super) fn snapshot(&mut self) -> Result<Snapshot> {
        Ok(Snapshot {
            at: self.moment()?,
            concert: self.concert()?,
            counts: Counts {
                waiting: self.number()?,
                away: self.number()?,
                admitting: self.number()?,
                ready: self.number()?,
                inside: self.number()?,
                slots: self.number()?,
            },
            totals: Totals {
                joined: self.number()?,
                by_open: self.number()?,
                by_schedule: self.number()?,
                by_enter: self.number()?,
                left: self.number()?,
                removed: self.number()?,
                lapsed: self.number()?,
                cleared: self.number()?,
                unclaimed: self.number()?,
                expired: self.number()?,
                completed: self.number()?,
                exited: self.number()?,
            },
            pace: self.pace()?,
            head: self.maybe_entry()?,
            last: self.maybe_entry()?,
            cleared_through: self.maybe_entry()?,
            last_take_at: self.maybe_moment()?,
            guests_refused: self.number()?,
        })
    }
}
