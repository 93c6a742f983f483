#![doc = include_str!("../README.md")]

mod answers;
mod lines;
pub mod memory;
pub mod redis;

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use serde::Deserialize;
use sunbeon_domain::{Code, Coded, Concert, ConcertId, EntryNumber, MemberId, StockReport};

pub use answers::{
    Admission, Asker, Beat, Claim, Counts, Entering, Entrant, Extension, FeedPage, FeedPlace, Held,
    Leaving, LimitedBy, Listed, Opening, Progress, Recent, Revoked, Role, Snapshot, StandingFacts,
    Swept, Taken, TakenEntry, Ticked, TokenFacts, Totals,
};
pub use lines::{Looks, for_each};
pub use memory::MemoryStore;
pub use redis::RedisStore;

/// Which store, with its own address: `store = "memory"` or `[store.redis] url = "…"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// In this process; gone when it ends.
    Memory,
    /// A Redis server.
    Redis(redis::Settings),
}

impl Settings {
    /// These settings where other processes can share the store. One that a service keeps for
    /// itself holds a line of its own.
    pub fn shared(&self) -> std::result::Result<&Self, StoreNotShared> {
        match self {
            Self::Memory => Err(StoreNotShared),
            Self::Redis(_) => Ok(self),
        }
    }
}

/// The store is this process's own.
#[derive(Debug, thiserror::Error)]
#[error(
    "services share one Redis: set SUNBEON__STORE__REDIS__URL, for example \
     SUNBEON__STORE__REDIS__URL=redis://localhost:6379"
)]
pub struct StoreNotShared;

/// Why a verb has no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no concert of this id.
    #[error("there is no such concert")]
    UnknownConcert,
    /// The store cannot be reached, or did not answer in time. Whether the verb took effect is
    /// unknown.
    #[error("the store did not answer")]
    Down(#[source] Box<dyn Error + Send + Sync>),
    /// The store has no memory left: it takes no new entry and no new concert. All else works.
    #[error("the store is full")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The store holds a line whose keys another release reads otherwise, with members in it or inside.
    /// Nothing of it is touched.
    #[error(
        "another release left members in this line: let them finish with that release, or clear \
         and close the concert with it"
    )]
    OtherRelease(#[source] Box<dyn Error + Send + Sync>),
    /// The store gave an answer that it never should.
    #[error("the store answered nonsense")]
    Bug(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// The same answer for another who waited for the same call.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::UnknownConcert => Self::UnknownConcert,
            Self::Down(why) => Self::Down(why.to_string().into()),
            Self::Full(why) => Self::Full(why.to_string().into()),
            Self::OtherRelease(why) => Self::OtherRelease(why.to_string().into()),
            Self::Bug(why) => Self::Bug(why.to_string().into()),
        }
    }
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownConcert => Code::ConcertNotFound,
            Self::Down(_) | Self::OtherRelease(_) => Code::StoreDown,
            Self::Full(_) => Code::StoreFull,
            Self::Bug(_) => Code::Internal,
        }
    }
}

/// What a verb answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Opens the store that the settings name. A Redis that is down is no error: its verbs answer
/// [`StoreError::Down`] until it is back.
pub fn open(settings: &Settings) -> Result<Arc<dyn Store>> {
    Ok(match settings {
        Settings::Memory => Arc::new(MemoryStore::new()),
        Settings::Redis(settings) => Arc::new(RedisStore::open(settings)?),
    })
}

/// The most members of one [`Store::enter_all`] or [`Store::status_all`].
pub const MOST_AT_ONCE: usize = 256;

fn only<T>(answers: Vec<Result<T>>) -> Result<T> {
    let answer = answers.into_iter().next();
    answer.unwrap_or_else(|| Err(StoreError::Bug("there is no answer".into())))
}

/// Returns whether a store takes writes: what `/health` asks.
pub async fn is_up(store: Arc<dyn Store>) -> bool {
    store.is_up().await
}

/// The waiting room's verbs. Each is one atomic step, and first ends whatever has expired for the entry it
/// touches.
///
/// Deadlines are readings of counted times, which [`Store::beat`] moves; the store's own clock decides
/// only the booking window and when tokens expire. What has expired never comes back.
///
/// Unless a verb says otherwise, it answers [`StoreError::UnknownConcert`] for a concert that was
/// never put or was dropped.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Puts a concert's policy in force. A version older than the one in force changes nothing. Closing
    /// a concert clears its line in the same step. Existing deadlines stay as they are.
    ///
    /// Returns the version in force. If it is higher than the one given, this policy is not in force:
    /// that version has another policy (the registry was restored from a backup), or the concert was
    /// dropped at that version or a later one. Answers [`StoreError::Full`] if there is no memory for a
    /// new concert.
    async fn put_concert(&self, concert: &Concert) -> Result<u64>;

    /// Forgets a concert and all its keys, unless a newer version is in force. Does nothing and returns
    /// `false` while anybody is in line or inside. Sessions that ended early stay listed in
    /// [`Store::revoked`].
    async fn drop_concert(&self, id: &ConcertId, version: u64) -> Result<bool>;

    /// Returns the ids of all concerts in force. Never answers [`StoreError::UnknownConcert`].
    async fn concerts(&self) -> Result<Vec<ConcertId>>;

    /// Returns the ids of the concerts whose line is live, as it was at most a second ago: from the
    /// enter that wakes it until a tick finds nobody in line or inside, no slot cooling, and the interval
    /// of the last scheduled take passed. The others need no beat and no tick. Never answers [`StoreError::UnknownConcert`].
    async fn live(&self) -> Result<Vec<ConcertId>>;

    /// Lines members up, or lets them straight in if the mode says so: at most 256, in order of arrival,
    /// in one step. Each has an answer of its own: [`StoreError::Bug`] is that of a member whose record
    /// cannot be read. Where the policy refuses long waits, nobody is lined up beyond the place
    /// `longest`, those away not counted ([`sunbeon_domain::Estimate::longest_line`]). Answers
    /// [`StoreError::Full`] if there is no memory left. Moves the time of slots, as a beat does. An idle
    /// line has no gap: the enter that makes it live counts as a beat of every role that adds nothing,
    /// and ends a standstill.
    async fn enter_all(
        &self,
        id: &ConcertId,
        entrants: &[Entrant],
        longest: u64,
    ) -> Result<Vec<Result<Entering>>>;

    /// Returns where members stand, at most 256, in one step; each has an answer of its own, as with
    /// [`Store::enter_all`].
    async fn status_all(
        &self,
        id: &ConcertId,
        askers: &[Asker],
    ) -> Result<Vec<Result<StandingFacts>>>;

    /// [`Store::enter_all`] for one member, however long the wait.
    async fn enter(&self, id: &ConcertId, member: &MemberId, name: &str) -> Result<Entering> {
        let entrant = Entrant {
            member: member.clone(),
            name: name.to_owned(),
        };
        only(self.enter_all(id, &[entrant], u64::MAX).await?)
    }

    /// [`Store::status_all`] for one member.
    async fn status(
        &self,
        id: &ConcertId,
        member: &MemberId,
        sign_of_life: bool,
    ) -> Result<StandingFacts> {
        let asker = Asker {
            member: member.clone(),
            sign_of_life,
        };
        only(self.status_all(id, &[asker]).await?)
    }

    /// Ends whatever the member has, place or session, and returns the entry that ended; `None` if
    /// there was none.
    async fn leave(
        &self,
        id: &ConcertId,
        member: &MemberId,
        how: Leaving,
    ) -> Result<Option<EntryNumber>>;

    /// Moves READY to ENTERED and returns the facts of the booking token, to be signed with the key
    /// `kid`. For a member who has already entered they are those of the first claim, with a later `exp`
    /// if that has passed before the session ended. The token's id follows from the entry
    /// ([`EntryNumber::token_id`]), so repeating a claim that a failover lost gives the same id.
    async fn claim(&self, id: &ConcertId, member: &MemberId, kid: &str) -> Result<Claim>;

    /// Ends the session of exactly this entry, for a caller who has seen its token; returns `false` if
    /// there was none. The entry may be READY: then a failover lost the claim.
    async fn complete(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<bool>;

    /// Extends the ENTERED session of exactly this entry to `holdDurationMinutes` from now, but never
    /// beyond `sessionMinutes` + `holdDurationMinutes` after its beginning. The token keeps its id.
    /// Changes nothing if that is no later than the present end. Returns `None` if there is no such
    /// session. From then on the session does not end because its page is gone.
    async fn extend(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<Option<Extension>>;

    /// Notes members, at most 1,000, who have a page of the shop open. Where the policy has
    /// `idle_shop_seconds`, the sessions of those whose page was there and has been gone for so long end in
    /// the same step, up to 1,000, while anybody waits. Returns how many did. Pages count as gone only while
    /// somebody notes them at least every 5 s. Moves the time of slots, as a beat does.
    async fn note_pages(&self, id: &ConcertId, members: &[MemberId]) -> Result<u64>;

    /// Returns up to 1,000 sessions that ended before their tokens, oldest first, after the place that
    /// the caller has read; a shorter page is the last. If the feed no longer holds that place (it was
    /// forgotten, or a failover lost it), starts from the beginning. So a caller that continues from its
    /// last place misses none, but may see some twice. A session is forgotten an hour after the last
    /// token of its entry has expired. Never answers [`StoreError::UnknownConcert`]: a dropped concert
    /// keeps its feed.
    async fn revoked(&self, id: &ConcertId, after: Option<FeedPlace>) -> Result<FeedPage>;

    /// Takes live entries off the front into `admitting`, by hand; looks at no more than 1,000. Moves the time
    /// of slots, as a beat does. Where the policy stops when all is sold and the shop has reported lately
    /// what is left, no more are taken than can have some of it.
    async fn admit(&self, id: &ConcertId, opening: Opening<'_>) -> Result<Admission>;

    /// Does what is due on a line. Where ENTER messages can be sent (`sends`), takes a group by schedule, as
    /// [`Store::admit`] does, and returns with it up to 1,000 entries in `admitting` whose message is due
    /// to be sent again: 5 s after the take, then at doubling intervals of at most 60 s, so that messages
    /// do not pile up while nothing consumes them. The schedule takes nobody while the beat of waiting-room
    /// or token is over 15 s old, or while a crowd is silent.
    ///
    /// Always removes up to 1,000 expired entries, sessions and records of each kind. Moves the time of
    /// slots, as a beat does.
    async fn tick(&self, id: &ConcertId, sends: bool) -> Result<Ticked>;

    /// Calls up to 1,000 members: each one in `admitting` with exactly that number becomes READY, the
    /// others are left as they are. Returns for each, in order, whether it became READY.
    async fn ready(&self, id: &ConcertId, entries: &[(MemberId, EntryNumber)])
    -> Result<Vec<bool>>;

    /// Moves a role's counted times by the time since its last beat, at most 2 s. After a gap of more
    /// than 15 s they first stand still for another `waitingTtlSeconds` or `readyTtlSeconds`. They also
    /// stand still, for at most `keepPlaceMinutes`, while 20 or more members have time left and nobody
    /// has been heard for 15 s (or a third of `readyTtlSeconds` if that is less).
    ///
    /// A beat at least 10 s after the first one past the end of the sale clears the line.
    async fn beat(&self, id: &ConcertId, beat: Beat) -> Result<()>;

    /// Returns the whole line in numbers. What has expired counts as ended, swept or not.
    async fn snapshot(&self, id: &ConcertId) -> Result<Snapshot>;

    /// Returns the snapshot that all processes share: made anew by the first who asks once it is about a
    /// second old, or somebody was taken since, or the policy or what is left has changed. With a beat, that comes first, as
    /// [`Store::beat`].
    async fn recent(&self, id: &ConcertId, beat: Option<Beat>) -> Result<Recent>;

    /// Keeps what the shop reports to have left, for a minute. At nothing left and nothing held the line is
    /// sold out. Returns whether the line is live; one that is not does not become so by a report.
    async fn put_stock(&self, id: &ConcertId, report: &StockReport) -> Result<bool>;

    /// Counts a guest who was refused a token, in [`Snapshot::guests_refused`].
    async fn refuse_guest(&self, id: &ConcertId) -> Result<()>;

    /// Returns up to `limit` (at most 1,000) members in line, those away included, after entry number
    /// `after`, from the front.
    async fn members(
        &self,
        id: &ConcertId,
        after: Option<EntryNumber>,
        limit: u32,
    ) -> Result<Vec<Listed>>;

    /// Empties the line (waiting, away, admitting) and returns how many were in it.
    async fn clear(&self, id: &ConcertId) -> Result<u64>;

    /// Fails as a new concert would: with [`StoreError::Full`] where there is no memory left, with
    /// [`StoreError::Down`] where the store cannot be reached or takes no writes.
    async fn takes_more(&self) -> Result<()>;

    /// Returns whether the store takes writes: a replica, a full Redis and one that cannot save do not.
    async fn is_up(&self) -> bool {
        self.takes_more().await.is_ok()
    }
}
