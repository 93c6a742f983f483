//! The verbs: keys and arguments in, a reply out.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use redis::Value;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, StockReport, UnixMs};

use super::{
    RedisStore,
    feed::feed_page,
    keys, packed,
    reply::{Words, nonsense},
    script::{
        ADMIT, BEAT, CLAIM, CLEAR, COMPLETE, DROP_CONCERT, ENTER, EXTEND, LEAVE, MEMBERS,
        NOTE_PAGES, PUT_CONCERT, PUT_STOCK, READY, REFUSE_GUEST, REVOKED, SNAPSHOT, STATUS, TICK,
        Verb,
    },
};
use crate::{
    Admission, Asker, Beat, Claim, Entering, Entrant, Extension, FeedPage, FeedPlace, Leaving,
    Listed, Opening, Recent, Result, Role, Snapshot, StandingFacts, Store, StoreError, Ticked,
};

impl RedisStore {
    async fn read(&self, verb: &Verb, id: &ConcertId, args: &[&str]) -> Result<Words> {
        self.connection
            .run(verb, id, &[], args)
            .await
            .map(Words::new)
    }

    /// The policy of a version that a verb has answered by; fetched where this process does not know it
    /// yet.
    async fn concert(&self, id: &ConcertId, version: u64) -> Result<Arc<Concert>> {
        if let Some(known) = self.concerts.get(id, version) {
            return Ok(known);
        }
        let bytes: Option<Vec<u8>> = self
            .connection
            .command("GET", &keys::policy(id), NOTHING)
            .await?;
        let concert = packed::concert(&bytes.unwrap_or_default())?;
        Ok(self.concerts.learn(concert))
    }

    /// One script of a tick, which ends sessions of these members; without any it finds some.
    async fn tick_once(
        &self,
        id: &ConcertId,
        sends: bool,
        members: &[MemberId],
    ) -> Result<(Ticked, Vec<MemberId>)> {
        let users = users(id, members.iter());
        let sends = if sends { "1" } else { "0" };
        let members = members.iter().map(MemberId::as_str);
        let args: Vec<_> = std::iter::once(sends).chain(members).collect();
        let mut words = Words::new(self.connection.run(&TICK, id, &users, &args).await?);
        let concert = self.concert(id, words.number()?).await?;
        words.ticked(concert)
    }

    /// The line in numbers as text, and now.
    async fn lines(
        &self,
        id: &ConcertId,
        shared: bool,
        beat: Option<Beat>,
    ) -> Result<(Snapshot, UnixMs)> {
        let [role, heard] = beat.map_or(["", ""], words_of);
        let args = [if shared { "1" } else { "0" }, role, heard];
        let mut words = self.read(&SNAPSHOT, id, &args).await?;
        let now = words.moment()?;
        let mut lines = Words::of_lines(&words.text()?);
        let head = lines.head()?;
        let concert = self.concert(id, head.version).await?;
        Ok((lines.snapshot(head, concert)?, now))
    }

    /// A verb about one member: the member's record is the fifteenth key, the id the first
    /// argument.
    async fn about<T: redis::FromRedisValue>(
        &self,
        verb: &Verb,
        id: &ConcertId,
        member: &MemberId,
        args: &[&str],
    ) -> Result<T> {
        let args = [&[member.as_str()], args].concat();
        self.connection
            .run(verb, id, &[keys::user(id, member)], &args)
            .await
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn put_concert(&self, concert: &Concert) -> Result<u64> {
        let id = &concert.concert_id;
        self.list_concert(id).await?;
        let args = [packed::policy(concert), packed::json(concert)?];
        self.connection.run(&PUT_CONCERT, id, &[], &args).await
    }

    async fn drop_concert(&self, id: &ConcertId, version: u64) -> Result<bool> {
        let left = packed::dropped(version);
        let pages = [keys::pages(id)];
        let gone: u8 = self
            .connection
            .run(&DROP_CONCERT, id, &pages, &[left])
            .await?;
        if gone == 1 {
            let _: u64 = self
                .connection
                .command("SREM", keys::CONCERTS, id.as_str())
                .await?;
        }
        Ok(gone != 0)
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>> {
        let ids: Vec<String> = self
            .connection
            .command("SMEMBERS", keys::CONCERTS, NOTHING)
            .await?;
        let mut ids: Vec<_> = ids
            .into_iter()
            .filter_map(|id| ConcertId::parse(id).ok())
            .collect();
        ids.sort();
        self.concerts.keep(&ids);
        Ok(ids)
    }

    async fn live(&self) -> Result<Vec<ConcertId>> {
        self.live_lines().await
    }

    async fn enter_all(
        &self,
        id: &ConcertId,
        entrants: &[Entrant],
        longest: u64,
    ) -> Result<Vec<Result<Entering>>> {
        let users = users(id, entrants.iter().map(|entrant| &entrant.member));
        let mut args = vec![Cow::from(longest.min(u64::from(u32::MAX)).to_string())];
        for Entrant { member, name } in entrants {
            let guest = if member.is_guest() { "1" } else { "0" };
            args.extend([member.as_str(), name, guest].map(Cow::from));
        }
        let mut words = Words::new(self.connection.run(&ENTER, id, &users, &args).await?);
        let head = words.head()?;
        let concert = self.concert(id, head.version).await?;
        let entered = entrants.iter().map(|_| words.entering(&head, &concert));
        Ok(entered.collect())
    }

    async fn status_all(
        &self,
        id: &ConcertId,
        askers: &[Asker],
    ) -> Result<Vec<Result<StandingFacts>>> {
        let users = users(id, askers.iter().map(|asker| &asker.member));
        let mut args = Vec::with_capacity(2 * askers.len());
        for asker in askers {
            args.extend([
                asker.member.as_str(),
                if asker.sign_of_life { "1" } else { "0" },
            ]);
        }
        let mut words = Words::new(self.connection.run(&STATUS, id, &users, &args).await?);
        let head = words.head()?;
        let concert = self.concert(id, head.version).await?;
        let found = askers.iter().map(|_| words.standing(&head, &concert));
        Ok(found.collect())
    }

    async fn leave(
        &self,
        id: &ConcertId,
        member: &MemberId,
        how: Leaving,
    ) -> Result<Option<EntryNumber>> {
        let total = match how {
            Leaving::ByChoice => "left",
            Leaving::Removed => "removed",
        };
        let ended: Option<u64> = self.about(&LEAVE, id, member, &[total]).await?;
        Ok(ended.map(EntryNumber))
    }

    async fn claim(&self, id: &ConcertId, member: &MemberId, kid: &str) -> Result<Claim> {
        let keys = [keys::user(id, member), keys::pages(id)];
        let args = [member.as_str(), kid];
        let mut words = Words::new(self.connection.run(&CLAIM, id, &keys, &args).await?);
        Ok(match words.text()?.as_str() {
            "ENTERED" => {
                let concert = self.concert(id, words.number()?).await?;
                Claim::Entered(Box::new((concert, words.token_facts()?)))
            }
            "CLOSED" => Claim::Closed,
            "NOT_READY" => Claim::NotReady,
            other => return Err(nonsense(format!("{other:?} is no answer to claim"))),
        })
    }

    async fn complete(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<bool> {
        let ended: u8 = self
            .about(&COMPLETE, id, member, &[&number.to_string()])
            .await?;
        Ok(ended == 1)
    }

    async fn extend(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<Option<Extension>> {
        let keys = [keys::user(id, member), keys::pages(id)];
        let args = [member.as_str(), &number.to_string()];
        let reply: Option<Vec<Value>> = self.connection.run(&EXTEND, id, &keys, &args).await?;
        let Some(mut words) = reply.map(Words::new) else {
            return Ok(None);
        };
        let concert = self.concert(id, words.number()?).await?;
        words.extension(concert).map(Some)
    }

    async fn note_pages(&self, id: &ConcertId, members: &[MemberId]) -> Result<u64> {
        let pages = [keys::pages(id)];
        let members: Vec<_> = members.iter().map(MemberId::as_str).collect();
        self.connection.run(&NOTE_PAGES, id, &pages, &members).await
    }

    async fn revoked(&self, id: &ConcertId, after: Option<FeedPlace>) -> Result<FeedPage> {
        let [order, number] = after.map_or([0, 0], |place| [place.order, place.number.0]);
        let args = [order.to_string(), number.to_string()];
        let reply: Vec<Vec<u8>> = self.connection.run(&REVOKED, id, &[], &args).await?;
        feed_page(&reply)
    }

    async fn admit(&self, id: &ConcertId, opening: Opening<'_>) -> Result<Admission> {
        let (batch_size, taken) = (opening.batch_size.to_string(), opening.taken.to_string());
        let keyed = if opening.key.is_some() { "1" } else { "0" };
        let record = keys::opened(id, opening.key.unwrap_or_default());
        let args = [batch_size.as_str(), taken.as_str(), keyed];
        let mut words = Words::new(self.connection.run(&ADMIT, id, &[record], &args).await?);
        match words.text()?.as_str() {
            "CLOSED" => Ok(Admission::Closed),
            "KEY_REUSED" => Ok(Admission::KeyReused),
            "TAKEN" => {
                let concert = self.concert(id, words.number()?).await?;
                Ok(Admission::Taken(Box::new(words.taken(concert)?)))
            }
            other => Err(nonsense(format!("{other:?} is no admission"))),
        }
    }

    async fn ready(
        &self,
        id: &ConcertId,
        entries: &[(MemberId, EntryNumber)],
    ) -> Result<Vec<bool>> {
        let users = users(id, entries.iter().map(|(member, _)| member));
        let numbers: Vec<_> = entries
            .iter()
            .map(|(_, number)| number.to_string())
            .collect();
        let members = entries.iter().map(|(member, _)| member.as_str());
        let args: Vec<_> = members.chain(numbers.iter().map(String::as_str)).collect();
        let called: Vec<u8> = self.connection.run(&READY, id, &users, &args).await?;
        Ok(called.into_iter().map(|called| called == 1).collect())
    }

    async fn tick(&self, id: &ConcertId, sends: bool) -> Result<Ticked> {
        let (mut ticked, members) = self.tick_once(id, sends, &[]).await?;
        if members.is_empty() {
            return Ok(ticked);
        }
        match self.tick_once(id, false, &members).await {
            Ok((rest, _)) => {
                let (sum, also) = (&mut ticked.swept, rest.swept);
                sum.away += also.away;
                sum.lapsed += also.lapsed;
                sum.unclaimed += also.unclaimed;
                sum.expired += also.expired;
                sum.more |= also.more;
            }
            // Those who were taken are to be announced all the same.
            Err(_) if ticked.entries.len() + ticked.due_again.len() > 0 => ticked.swept.more = true,
            Err(error) => return Err(error),
        }
        Ok(ticked)
    }

    async fn beat(&self, id: &ConcertId, beat: Beat) -> Result<()> {
        let _: u8 = self.connection.run(&BEAT, id, &[], &words_of(beat)).await?;
        Ok(())
    }

    async fn snapshot(&self, id: &ConcertId) -> Result<Snapshot> {
        Ok(self.lines(id, false, None).await?.0)
    }

    async fn recent(&self, id: &ConcertId, beat: Option<Beat>) -> Result<Recent> {
        let (snapshot, now) = self.lines(id, true, beat).await?;
        Ok(Recent { snapshot, now })
    }

    async fn put_stock(&self, id: &ConcertId, report: &StockReport) -> Result<bool> {
        let tiers = serde_json::to_string(&report.tiers).map_err(bug)?;
        let args = [report.left().to_string(), report.held.to_string(), tiers];
        let live: u8 = self.connection.run(&PUT_STOCK, id, &[], &args).await?;
        Ok(live == 1)
    }

    async fn refuse_guest(&self, id: &ConcertId) -> Result<()> {
        let _: u8 = self.connection.run(&REFUSE_GUEST, id, &[], NOTHING).await?;
        Ok(())
    }

    async fn members(
        &self,
        id: &ConcertId,
        after: Option<EntryNumber>,
        limit: u32,
    ) -> Result<Vec<Listed>> {
        let after = after.unwrap_or(EntryNumber(0)).to_string();
        let mut listed = self
            .read(&MEMBERS, id, &[&after, &limit.to_string()])
            .await?
            .listed()?;
        listed.sort_by_key(|listed| listed.number);
        listed.truncate(limit as usize);
        Ok(listed)
    }

    async fn clear(&self, id: &ConcertId) -> Result<u64> {
        self.connection.run(&CLEAR, id, &[], NOTHING).await
    }

    async fn takes_more(&self) -> Result<()> {
        self.connection.probe().await
    }
}

const NOTHING: &[&str] = &[];

pub(super) fn bug(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Bug(Box::new(error))
}

/// A beat as the scripts take it.
fn words_of(beat: Beat) -> [&'static str; 2] {
    let role = match beat.role {
        Role::WaitingRoom => "waitingRoom",
        Role::Token => "token",
        Role::Realtime => "realtime",
    };
    [role, if beat.heard { "1" } else { "0" }]
}

/// The records of members, as keys.
fn users<'a>(id: &ConcertId, members: impl Iterator<Item = &'a MemberId>) -> Vec<String> {
    members.map(|member| keys::user(id, member)).collect()
}
