//! The verbs: keys and arguments in, a reply out.

use async_trait::async_trait;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, Identity, MemberId, Mode, UnixMs};

use super::{
    RedisStore, keys,
    reply::{Words, feed_page, nonsense},
    script::{
        ADMIT, BEAT, CLAIM, CLEAR, COLLECT, COMPLETE, DROP_CONCERT, ENTER, EXTEND, LEAVE, MEMBERS,
        PUT_CONCERT, READY, REFUSE_GUEST, RESEND, REVOKED, RUN_OUT, SNAPSHOT, STATUS, Verb,
    },
};
use crate::{
    Admission, AdmitBy, Beat, Claim, Entering, Extension, FeedPage, FeedPlace, Leaving, Listed,
    Result, Role, Snapshot, StandingFacts, Store, StoreError, Swept, TakenEntry, TokenFacts,
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
        let fields = policy_fields(concert)?;
        let args: Vec<&str> = fields.iter().map(String::as_str).collect();
        self.connection.run(&PUT_CONCERT, id, &[], &args).await
    }

    async fn drop_concert(&self, id: &ConcertId, version: u64) -> Result<bool> {
        let version = version.to_string();
        let gone: u8 = self
            .connection
            .run(&DROP_CONCERT, id, &[], &[&version])
            .await?;
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
        Ok(ids)
    }

    async fn enter(&self, id: &ConcertId, member: &MemberId, name: &str) -> Result<Entering> {
        let guest = if member.is_guest() { "1" } else { "0" };
        let enter = async |weighed| {
            self.about(&ENTER, id, member, &[name, guest, weighed])
                .await
        };
        let mut words = Words::new(enter("0").await?);
        let mut kind = words.text()?;
        if kind == "WEIGH" {
            if words.would_wait_too_long()? {
                return Ok(Entering::Full);
            }
            words = Words::new(enter("1").await?);
            kind = words.text()?;
        }
        Ok(match kind.as_str() {
            "NEW" => Entering::New(words.standing_facts()?),
            "ALREADY" => Entering::Already(words.standing_facts()?),
            "NOT_OPEN_YET" => Entering::NotOpenYet {
                opens_at: words.moment()?,
            },
            "CLOSED" => Entering::Closed,
            "MEMBERS_ONLY" => Entering::MembersOnly,
            "FULL" => Entering::Full,
            other => return Err(nonsense(format!("{other:?} is no answer to enter"))),
        })
    }

    async fn status(
        &self,
        id: &ConcertId,
        member: &MemberId,
        sign_of_life: bool,
    ) -> Result<StandingFacts> {
        let sign = if sign_of_life { "1" } else { "0" };
        let mut words = Words::new(self.about(&STATUS, id, member, &[sign]).await?);
        words.text()?;
        words.standing_facts()
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
        let ended: Option<String> = self.about(&LEAVE, id, member, &[total]).await?;
        ended
            .map(|number| Words::new(vec![number]).number().map(EntryNumber))
            .transpose()
    }

    async fn claim(&self, id: &ConcertId, member: &MemberId, kid: &str) -> Result<Claim> {
        let mut words = Words::new(self.about(&CLAIM, id, member, &[kid]).await?);
        Ok(match words.text()?.as_str() {
            "ENTERED" => {
                let facts: (Concert, TokenFacts) = (words.concert()?, words.token_facts()?);
                Claim::Entered(Box::new(facts))
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
        let reply: Option<Vec<String>> = self.about(&EXTEND, id, member, &[&number]).await?;
        reply.map(|reply| Words::new(reply).extension()).transpose()
    }

    async fn revoked(&self, id: &ConcertId, after: Option<FeedPlace>) -> Result<FeedPage> {
        let [order, number] = after.map_or([0, 0], |place| [place.order, place.number.0]);
        let args = [order.to_string(), number.to_string()];
        let args = args.each_ref().map(String::as_str);
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
        Words::new(self.connection.run(&ADMIT, id, &[record], &args).await?).admission()
    }

    async fn ready(
        &self,
        id: &ConcertId,
        entries: &[(MemberId, EntryNumber)],
    ) -> Result<Vec<bool>> {
        let users: Vec<_> = entries
            .iter()
            .map(|(member, _)| keys::user(id, member))
            .collect();
        let numbers: Vec<_> = entries
            .iter()
            .map(|(_, number)| number.to_string())
            .collect();
        let members = entries.iter().map(|(member, _)| member.as_str());
        let args: Vec<_> = members.chain(numbers.iter().map(String::as_str)).collect();
        let called: Vec<u8> = self.connection.run(&READY, id, &users, &args).await?;
        Ok(called.into_iter().map(|called| called == 1).collect())
    }

    async fn resend(&self, id: &ConcertId) -> Result<(Concert, Vec<TakenEntry>)> {
        self.read(&RESEND, id, &[]).await?.due_again()
    }

    async fn beat(&self, id: &ConcertId, beat: Beat) -> Result<()> {
        let role = match beat.role {
            Role::WaitingRoom => "waitingRoom",
            Role::Token => "token",
        };
        let heard = if beat.heard { "1" } else { "0" };
        let _: u8 = self.connection.run(&BEAT, id, &[], &[role, heard]).await?;
        Ok(())
    }

    async fn snapshot(&self, id: &ConcertId) -> Result<Snapshot> {
        self.read(&SNAPSHOT, id, &[]).await?.snapshot()
    }

    async fn refuse_guest(&self, id: &ConcertId) -> Result<()> {
        let _: u8 = self.connection.run(&REFUSE_GUEST, id, &[], &[]).await?;
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
        self.connection.run(&CLEAR, id, &[], &[]).await
    }

    async fn sweep(&self, id: &ConcertId) -> Result<Swept> {
        let members: Vec<String> = self.connection.run(&RUN_OUT, id, &[], &[]).await?;
        let parsed: std::result::Result<Vec<_>, _> = members
            .iter()
            .map(|member| MemberId::parse(member.as_str()))
            .collect();
        let parsed = parsed.map_err(|error| StoreError::Bug(Box::new(error)))?;
        let users: Vec<_> = parsed.iter().map(|member| keys::user(id, member)).collect();
        let args: Vec<_> = members.iter().map(String::as_str).collect();
        let mut words = Words::new(self.connection.run(&COLLECT, id, &users, &args).await?);
        Ok(Swept {
            away: words.number()?,
            lapsed: words.number()?,
            unclaimed: words.number()?,
            expired: words.number()?,
            more: words.number::<u8>()? == 1,
        })
    }

    async fn takes_more(&self) -> Result<()> {
        self.connection.probe().await
    }
}

/// How the keys are to be read. A release that reads them otherwise counts it up, here and in
/// `policy.lua`.
const LAYOUT: &str = "2";

/// The version, then the fields of the policy HASH and their values: the concert as JSON for
/// readers, and the values that the scripts decide by as plain numbers.
fn policy_fields(concert: &Concert) -> Result<Vec<String>> {
    let policy = &concert.policy;
    let json = serde_json::to_string(concert).map_err(|error| StoreError::Bug(Box::new(error)))?;
    let mode = match policy.mode {
        Mode::Queue => "queue",
        Mode::Threshold => "threshold",
        Mode::Off => "off",
    };
    let identity = match policy.identity {
        Identity::Member => "member",
        Identity::Guest => "guest",
    };
    let flag = |value: bool| if value { "1" } else { "0" }.to_owned();
    let ms = |count: u32, unit: u64| (u64::from(count) * unit).to_string();
    let moment = |moment: Option<UnixMs>| moment.map(|moment| moment.0.to_string());
    let fields = [
        ("json", Some(json)),
        ("startMs", moment(policy.booking_start_at)),
        ("endMs", moment(policy.booking_end_at)),
        ("opensMs", moment(concert.opens_at())),
        ("closed", Some(flag(concert.closed))),
        ("paused", Some(flag(policy.paused))),
        ("mode", Some(mode.to_owned())),
        ("maxActive", policy.max_active.map(|n| n.to_string())),
        ("maxQueueSize", policy.max_queue_size.map(|n| n.to_string())),
        ("autoOpen", Some(flag(policy.auto_open))),
        ("groupSize", Some(policy.group_size.to_string())),
        ("intervalMs", Some(ms(policy.entry_interval_seconds, 1_000))),
        ("waitingMs", Some(ms(policy.waiting_ttl_seconds, 1_000))),
        ("keepMs", Some(ms(policy.keep_place_minutes, 60_000))),
        ("readyMs", Some(ms(policy.ready_ttl_seconds, 1_000))),
        ("sessionMs", Some(ms(policy.session_minutes, 60_000))),
        ("holdMs", Some(ms(policy.hold_duration_minutes, 60_000))),
        ("identity", Some(identity.to_owned())),
        ("refuseLongWait", Some(flag(policy.refuse_long_wait))),
        ("maxWaitMs", Some(ms(policy.max_wait_time_minutes, 60_000))),
        ("layout", Some(LAYOUT.to_owned())),
    ];
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some([name.to_owned(), value?]));
    Ok(std::iter::once(concert.version.to_string())
        .chain(given.flatten())
        .collect())
}
