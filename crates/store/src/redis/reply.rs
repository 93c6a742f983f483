//! Reading the scripts' flat replies.

use std::{fmt::Debug, str::FromStr, sync::Arc};

use redis::Value;
use sunbeon_domain::{
    Concert, EntryNumber, EntryState, LineFacts, MemberId, Pace, SlotEnd, Slots, Stock, UnixMs,
};

use crate::{
    Counts, Entering, Extension, Held, LimitedBy, Listed, Progress, Result, Snapshot,
    StandingFacts, StoreError, Swept, Taken, TakenEntry, Ticked, TokenFacts, Totals,
};

/// What the answers about members begin with.
pub(super) struct Head {
    at: UnixMs,
    pub(super) version: u64,
    progress: Progress,
}

impl Head {
    fn standing(&self, concert: &Arc<Concert>, state: EntryState) -> StandingFacts {
        StandingFacts {
            at: self.at,
            concert: concert.clone(),
            state,
            progress: self.progress,
        }
    }
}

fn cannot_be_read() -> StoreError {
    nonsense("the member's record cannot be read")
}

/// A flat reply, read word by word.
pub(super) struct Words(std::vec::IntoIter<Value>);

pub(super) fn nonsense(why: impl Into<String>) -> StoreError {
    StoreError::Bug(why.into().into())
}

impl Words {
    pub(super) fn new(reply: Vec<Value>) -> Self {
        Self(reply.into_iter())
    }

    pub(super) fn of_lines(lines: &str) -> Self {
        let words = lines.split('\n').map(|word| Value::BulkString(word.into()));
        Self::new(words.collect())
    }

    pub(super) fn text(&mut self) -> Result<String> {
        let word = self.0.next();
        let word = word.ok_or_else(|| nonsense("the reply is too short"))?;
        redis::from_redis_value(word).map_err(|error| StoreError::Bug(Box::new(error)))
    }

    pub(super) fn number<T: FromStr + TryFrom<i64>>(&mut self) -> Result<T> {
        let no_number = |word: &dyn Debug| nonsense(format!("{word:?} is no such number"));
        match self.0.next() {
            Some(Value::Int(number)) => T::try_from(number).map_err(|_| no_number(&number)),
            Some(Value::BulkString(bytes)) => {
                let number = str::from_utf8(&bytes)
                    .ok()
                    .and_then(|word| word.parse().ok());
                number.ok_or_else(|| no_number(&bytes))
            }
            other => Err(no_number(&other)),
        }
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

    /// The rest of a reply.
    fn members(&mut self) -> Result<Vec<MemberId>> {
        let mut members = Vec::new();
        while !self.is_empty() {
            members.push(self.member()?);
        }
        Ok(members)
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

    /// What `reply_head` of `standing.lua` gives.
    pub(super) fn head(&mut self) -> Result<Head> {
        Ok(Head {
            at: self.moment()?,
            version: self.number()?,
            progress: Progress {
                born: self.number()?,
                taken: self.number()?,
                line_time: self.number()?,
            },
        })
    }

    /// What `add_standing` of `standing.lua` gives; `None` for a record that cannot be read.
    fn state(&mut self) -> Result<(Option<EntryState>, UnixMs)> {
        let (state, number) = (self.text()?, self.entry()?);
        let (queue_number, live_ahead, until) = (self.number()?, self.number()?, self.moment()?);
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
            "BAD" => return Ok((None, until)),
            other => return Err(nonsense(format!("{other:?} is no state"))),
        };
        Ok((Some(state), until))
    }

    pub(super) fn standing(
        &mut self,
        head: &Head,
        concert: &Arc<Concert>,
    ) -> Result<StandingFacts> {
        let state = self.state()?.0;
        Ok(head.standing(concert, state.ok_or_else(cannot_be_read)?))
    }

    pub(super) fn entering(&mut self, head: &Head, concert: &Arc<Concert>) -> Result<Entering> {
        let (kind, (state, until)) = (self.text()?, self.state()?);
        let standing = || {
            let state = state.ok_or_else(cannot_be_read)?;
            Ok(head.standing(concert, state))
        };
        Ok(match kind.as_str() {
            "NEW" => Entering::New(standing()?),
            "ALREADY" => Entering::Already(standing()?),
            "NOT_OPEN_YET" => Entering::NotOpenYet { opens_at: until },
            "CLOSED" => Entering::Closed,
            "MEMBERS_ONLY" => Entering::MembersOnly,
            "FULL" => Entering::Full,
            "BAD" => return Err(cannot_be_read()),
            other => return Err(nonsense(format!("{other:?} is no answer to enter"))),
        })
    }

    fn line_facts(&mut self) -> Result<LineFacts> {
        Ok(LineFacts {
            line_length: self.number()?,
            pace: self.pace()?,
            last_take_at: self.maybe_moment()?,
            slower_since: self.maybe_moment()?,
            slots: None,
            stock: None,
            sold_out: false,
        })
    }

    /// What holds the schedule.
    fn held(&mut self) -> Result<Option<Held>> {
        Ok(Some(match self.text()?.as_str() {
            "" => return Ok(None),
            "paused" => Held::Paused,
            "waitingRoomAway" => Held::WaitingRoomAway,
            "tokenAway" => Held::TokenAway,
            "silence" => Held::Silence,
            "soldOut" => Held::SoldOut,
            "maxActive" => Held::MaxActive,
            "messages" => Held::Messages,
            other => return Err(nonsense(format!("{other:?} holds no schedule"))),
        }))
    }

    /// What the shop reported to have left.
    fn stock(&mut self) -> Result<Option<Stock>> {
        let (reported_at, tiers) = (self.maybe_moment()?, self.text()?);
        let Some(reported_at) = reported_at else {
            return Ok(None);
        };
        let tiers = serde_json::from_str(&tiers).map_err(|error| StoreError::Bug(error.into()))?;
        Ok(Some(Stock { tiers, reported_at }))
    }

    /// The slots in use and when they end: the rest of a reply.
    fn slots(&mut self) -> Result<Option<Slots>> {
        let used: i64 = self.number()?;
        let Ok(used) = u64::try_from(used) else {
            return Ok(None);
        };
        let mut ends = Vec::new();
        while !self.is_empty() {
            ends.push(SlotEnd {
                slots: self.number()?,
                at: self.moment()?,
            });
        }
        Ok(Some(Slots { used, ends }))
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

    pub(super) fn extension(&mut self, concert: Arc<Concert>) -> Result<Extension> {
        Ok(Extension {
            concert,
            token: self.token_facts()?,
            extended: self.flag()?,
        })
    }

    pub(super) fn taken(&mut self, concert: Arc<Concert>) -> Result<Taken> {
        let taken_at = self.moment()?;
        let (total, more, still_waiting) = (self.number()?, self.flag()?, self.number()?);
        let limited_by = match self.text()?.as_str() {
            "batchSize" => LimitedBy::BatchSize,
            "maxActive" => LimitedBy::MaxActive,
            "soldOut" => LimitedBy::SoldOut,
            "line" => LimitedBy::Line,
            other => return Err(nonsense(format!("{other:?} limits no opening"))),
        };
        let replayed = self.flag()?;
        let mut entries = Vec::new();
        while !self.is_empty() {
            entries.push(self.taken_entry(Some(taken_at))?);
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

    /// What was done of what was due, and the rest of the reply.
    pub(super) fn ticked(&mut self, concert: Arc<Concert>) -> Result<(Ticked, Vec<MemberId>)> {
        let now = self.moment()?;
        let (still_waiting, more) = (self.number()?, self.flag()?);
        let next_take_ms = u64::try_from(self.number::<i64>()?).ok();
        let (taken, due_again): (usize, usize) = (self.number()?, self.number()?);
        let swept = Swept {
            away: self.number()?,
            lapsed: self.number()?,
            unclaimed: self.number()?,
            expired: self.number()?,
            more: self.flag()?,
        };
        let entries: Result<_> = (0..taken).map(|_| self.taken_entry(Some(now))).collect();
        let due_again: Result<_> = (0..due_again).map(|_| self.taken_entry(None)).collect();
        let ticked = Ticked {
            concert,
            entries: entries?,
            more,
            still_waiting,
            next_take_ms,
            due_again: due_again?,
            swept,
        };
        Ok((ticked, self.members()?))
    }

    /// An entry that was taken at a moment, or at one that follows.
    fn taken_entry(&mut self, taken_at: Option<UnixMs>) -> Result<TakenEntry> {
        Ok(TakenEntry {
            member: self.member()?,
            number: self.entry()?,
            name: self.text()?,
            taken_at: taken_at.map_or_else(|| self.moment(), Ok)?,
        })
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

    pub(super) fn snapshot(&mut self, head: Head, concert: Arc<Concert>) -> Result<Snapshot> {
        let mut snapshot = Snapshot {
            at: head.at,
            concert,
            progress: head.progress,
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
            line_facts: self.line_facts()?,
            front: self.maybe_entry()?,
            head: self.maybe_entry()?,
            last: self.maybe_entry()?,
            cleared_through: self.maybe_entry()?,
            guests_refused: self.number()?,
            out_of_order: self.number()?,
            held: self.held()?,
        };
        snapshot.line_facts.sold_out = self.flag()?;
        snapshot.line_facts.stock = self.stock()?;
        snapshot.line_facts.slots = self.slots()?;
        Ok(snapshot)
    }
}
