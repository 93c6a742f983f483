//! The verbs: keys and arguments in, a reply out.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use redis::Value;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, StockReport};

use super::{
    RedisStore, keys, packed,
    reply::{Words, feed_page, nonsense},
    script::{
        ADMIT, BEAT, CLAIM, CLEAR, COLLECT, COMPLETE, DROP_CONCERT, ENTER, EXTEND, LEAVE, MEMBERS,
        PUT_CONCERT, PUT_STOCK, READY, REFUSE_GUEST, RESEND, REVOKED, SNAPSHOT, STATUS, Verb,
    },
};
use crate::{
    Admission, AdmitBy, Asker, Beat, Claim, Entering, Entrant, Extension, FeedPage, FeedPlace,
    Leaving, Listed, Result, Role, Snapshot, StandingFacts, Store, StoreError, Swept, TakenEntry,
};

impl RedisStore {
    async fn read(&self, verb: &Verb, id: &ConcertId, args: &[&str]) -> Result<Words> {
        self.connection
            .run(verb, id, &[], args)
            .await
            .map(Words::new)
    }

    /// Adds a concert to the list of all. A full Redis takes no new one; those on the list can be
    /// changed.
    async fn list_concert(&self, id: &ConcertId) -> Result<()> {
        let command = |name| {
            let mut command = redis::cmd(name);
            command.arg(keys::CONCERTS).arg(id.as_str());
            command
        };
        let added: Result<u64> = self.connection.command(command("SADD")).await;
        if let Err(full @ StoreError::Full(_)) = added {
            let is_listed: bool = self.connection.command(command("SISMEMBER")).await?;
            return if is_listed { Ok(()) } else { Err(full) };
        }
        added.map(|_| ())
    }

    /// The policy of a version that a verb has answered by; fetched where this process does not know it
    /// yet.
    async fn concert(&self, id: &ConcertId, version: u64) -> Result<Arc<Concert>> {
        if let Some(known) = self.concerts.get(id, version) {
            return Ok(known);
        }
        let bytes: Option<Vec<u8>> = self.connection.command(keys::policy(id)).await?;
        let concert = packed::concert(&bytes.unwrap_or_default())?;
        Ok(self.concerts.learn(concert))
    }

    /// One step of a sweep, which ends sessions of these members; without any it finds some.
    async fn collect(
        &self,
        id: &ConcertId,
        members: &[MemberId],
    ) -> Result<(Swept, Vec<MemberId>)> {
        let users = users(id, members.iter());
        let args: Vec<_> = members.iter().map(MemberId::as_str).collect();
        let mut words = Words::new(self.connection.run(&COLLECT, id, &users, &args).await?);
        let swept = Swept {
            away: words.number()?,
            lapsed: words.number()?,
            unclaimed: words.number()?,
            expired: words.number()?,
            more: words.number::<u8>()? == 1,
        };
        Ok((swept, words.members()?))
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
        let gone: u8 = self.connection.run(&DROP_CONCERT, id, &[], &[left]).await?;
        if gone == 1 {
            let mut remove = redis::cmd("SREM");
            remove.arg(keys::CONCERTS).arg(id.as_str());
            let _: u64 = self.connection.command(remove).await?;
        }
        Ok(gone != 0)
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>> {
        let mut members = redis::cmd("SMEMBERS");
        members.arg(keys::CONCERTS);
        let ids: Vec<String> = self.connection.command(members).await?;
        let mut ids: Vec<_> = ids
            .into_iter()
            .filter_map(|id| ConcertId::parse(id).ok())
            .collect();
        ids.sort();
        self.concerts.keep(&ids);
        Ok(ids)
    }

    async fn live(&self) -> Result<Vec<ConcertId>> {
        let mut known = redis::pipe();
        known.ignore_errors();
        known.cmd("PTTL").arg(keys::LIVE).cmd("GET").arg(keys::LIVE);
        let known = self.connection.commands(&known).await?;
        let parsed: (i64, Option<String>) =
            redis::from_redis_value(Value::Array(known)).map_err(bug)?;
        if let (LIVE_MS_LEFT.., Some(ids)) = parsed {
            let ids = ids.split_ascii_whitespace().map(ConcertId::parse);
            return ids.collect::<std::result::Result<_, _>>().map_err(bug);
        }
        let mut live = self.concerts().await?;
        let mut marks = redis::pipe();
        marks.ignore_errors();
        for ids in live.chunks(1_000) {
            marks
                .cmd("MGET")
                .arg(ids.iter().map(keys::live).collect::<Vec<_>>());
        }
        if !live.is_empty() {
            let marks = Value::Array(self.connection.commands(&marks).await?);
            let marks: Vec<Vec<Option<String>>> = redis::from_redis_value(marks).map_err(bug)?;
            let mut marks = marks.into_iter().flatten();
            live.retain(|_| marks.next().flatten().is_some());
        }
        let mut keep = redis::cmd("SET");
        let names: Vec<_> = live.iter().map(ConcertId::as_str).collect();
        keep.arg(keys::LIVE)
            .arg(names.join(" "))
            .arg("PX")
            .arg(LIVE_MS);
        match self.connection.command(keep).await {
            // A full Redis keeps no list, so everybody counts for themselves.
            Ok(()) | Err(StoreError::Full(_)) => Ok(live),
            Err(error) => Err(error),
        }
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
        let mut words = Words::new(self.about(&CLAIM, id, member, &[kid]).await?);
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
        let number = number.to_string();
        let reply: Option<Vec<Value>> = self.about(&EXTEND, id, member, &[&number]).await?;
        let Some(mut words) = reply.map(Words::new) else {
            return Ok(None);
        };
        let concert = self.concert(id, words.number()?).await?;
        words.extension(concert).map(Some)
    }

    async fn revoked(&self, id: &ConcertId, after: Option<FeedPlace>) -> Result<FeedPage> {
        let [order, number] = after.map_or([0, 0], |place| [place.order, place.number.0]);
        let args = [order.to_string(), number.to_string()];
        let reply: Vec<Vec<u8>> = self.connection.run(&REVOKED, id, &[], &args).await?;
        feed_page(&reply)
    }

    async fn admit(&self, id: &ConcertId, by: AdmitBy<'_>) -> Result<Admission> {
        let (who, batch_size, taken, key) = match by {
            AdmitBy::Open {
                batch_size,
                taken,
                key,
            } => ("open", batch_size, taken, key),
            AdmitBy::Schedule => ("schedule", 0, 0, None),
        };
        let (batch_size, taken) = (batch_size.to_string(), taken.to_string());
        let keyed = if key.is_some() { "1" } else { "0" };
        let record = keys::opened(id, key.unwrap_or_default());
        let args = [who, batch_size.as_str(), taken.as_str(), keyed];
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

    async fn resend(&self, id: &ConcertId) -> Result<(Arc<Concert>, Vec<TakenEntry>)> {
        let mut words = self.read(&RESEND, id, &[]).await?;
        let concert = self.concert(id, words.number()?).await?;
        Ok((concert, words.due_again()?))
    }

    async fn beat(&self, id: &ConcertId, beat: Beat) -> Result<()> {
        let role = match beat.role {
            Role::WaitingRoom => "waitingRoom",
            Role::Token => "token",
            Role::Realtime => "realtime",
        };
        let heard = if beat.heard { "1" } else { "0" };
        let _: u8 = self.connection.run(&BEAT, id, &[], &[role, heard]).await?;
        Ok(())
    }

    async fn snapshot(&self, id: &ConcertId) -> Result<Snapshot> {
        let mut words = self.read(&SNAPSHOT, id, &[]).await?;
        let head = words.head()?;
        let concert = self.concert(id, head.version).await?;
        words.snapshot(head, concert)
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

    async fn sweep(&self, id: &ConcertId) -> Result<Swept> {
        let (mut swept, members) = self.collect(id, &[]).await?;
        if !members.is_empty() {
            let (sessions, _) = self.collect(id, &members).await?;
            swept.away += sessions.away;
            swept.lapsed += sessions.lapsed;
            swept.unclaimed += sessions.unclaimed;
            swept.expired += sessions.expired;
            swept.more |= sessions.more;
        }
        Ok(swept)
    }

    async fn takes_more(&self) -> Result<()> {
        self.connection.probe().await
    }
}

const NOTHING: &[&str] = &[];

/// How long the list of live lines is kept, in milliseconds.
const LIVE_MS: i64 = 1_000;
/// With less time left the list is made anew.
const LIVE_MS_LEFT: i64 = 500;

fn bug(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Bug(Box::new(error))
}

/// The records of members, as keys.
fn users<'a>(id: &ConcertId, members: impl Iterator<Item = &'a MemberId>) -> Vec<String> {
    members.map(|member| keys::user(id, member)).collect()
}
