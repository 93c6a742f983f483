//! What the verbs take and answer.

mod feed;
mod tick;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use sunbeon_domain::{
    Concert, EntryNumber, EntryState, LineFacts, MemberId, Phase, Standing, UnixMs,
};

pub use self::{
    feed::{FeedPage, FeedPlace, Revoked},
    tick::{Swept, Ticked},
};

/// A member who wants to enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// The member.
    pub member: MemberId,
    /// For people; may be empty.
    pub name: String,
}

/// A member who asks for their status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The member.
    pub member: MemberId,
    /// Whether it renews a waiting member's deadline and brings an away member back.
    pub sign_of_life: bool,
}

/// What the store tells of one member. With what a [`Snapshot`] tells of the line, a [`Standing`] is made
/// from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingFacts {
    /// The moment, by the store's clock.
    pub at: UnixMs,
    /// The concert in force.
    pub concert: Arc<Concert>,
    /// The state of the member's entry.
    pub state: EntryState,
    /// How far the line has come.
    pub progress: Progress,
}

impl StandingFacts {
    /// Makes the standing that the client sees.
    pub fn standing(&self, line_facts: &LineFacts) -> Standing {
        Standing::new(&self.concert, self.state, line_facts, self.at)
    }
}

/// How far a line has come: what a place told once is brought up to date by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The version by which the concert was first put in force: another one after it was dropped.
    pub born: u64,
    /// How many entries were ever taken off the front.
    pub taken: u64,
    /// The reading of `lineTime`, in milliseconds.
    pub line_time: i64,
}

/// The answer to `enter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entering {
    /// A new entry.
    New(StandingFacts),
    /// The member has an entry already; it is unchanged but for its sign of life.
    Already(StandingFacts),
    /// Lining up begins later.
    NotOpenYet {
        /// When.
        opens_at: UnixMs,
    },
    /// The sale is closed or ended.
    Closed,
    /// The line is at `maxQueueSize`, or the estimate is beyond `maxWaitTimeMinutes`.
    Full,
    /// The concert's `identity` is `member`, and this is a guest without an entry.
    MembersOnly,
}

/// How an entry ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// The member.
    ByChoice,
    /// An admin.
    Removed,
}

/// What is needed to sign the same booking token again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    /// The entry.
    pub number: EntryNumber,
    /// The token's id, the same in every token of the entry.
    pub jti: String,
    /// The key that signed it.
    pub kid: String,
    /// Issued, in Unix seconds.
    pub iat: i64,
    /// Expires, in Unix seconds.
    pub exp: i64,
}

/// The answer to `claim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The member is inside.
    Entered(Box<(Arc<Concert>, TokenFacts)>),
    /// The member is not READY.
    NotReady,
    /// The concert is closed.
    Closed,
}

/// The answer to `extend`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The concert in force.
    pub concert: Arc<Concert>,
    /// The booking token's facts as they are now.
    pub token: TokenFacts,
    /// Whether this call moved its end.
    pub extended: bool,
}

/// A service's sign that it works, which moves counted time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The service.
    pub role: Role,
    /// Whether a member or a visitor has sent this process a request for the concert since its last
    /// beat.
    pub heard: bool,
}

/// A service whose beat moves counted time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It hears signs of life, so time in line and the time for which places are kept go on.
    WaitingRoom,
    /// It can sign booking tokens, so the time to fetch them goes on.
    Token,
    /// Sockets tell it that members are there. No time in line depends on it.
    Realtime,
}

/// An operator's `open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening<'a> {
    /// How many in all.
    pub batch_size: u32,
    /// How many of them earlier calls of the same opening have taken; with a key the store knows better.
    pub taken: u32,
    /// The operator's idempotency key.
    pub key: Option<&'a str>,
}

/// The answer to `admit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// What was taken.
    Taken(Box<Taken>),
    /// The sale is closed or ended.
    Closed,
    /// The key was used with another batch size.
    KeyReused,
}

/// Entries taken off the front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The concert in force.
    pub concert: Arc<Concert>,
    /// Those taken now, front first.
    pub entries: Vec<TakenEntry>,
    /// Taken by this opening so far, these included.
    pub total: u32,
    /// Whether to call again: the bound on work ended the call.
    pub more: bool,
    /// Live entries still waiting.
    pub still_waiting: u64,
    /// What kept the opening from taking more.
    pub limited_by: LimitedBy,
    /// Whether the concert is paused.
    pub paused: bool,
    /// Whether an earlier opening with this key had finished, so that nothing was done now.
    pub replayed: bool,
}

/// What kept an opening from taking more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LimitedBy {
    /// It took all it was asked for.
    BatchSize,
    /// Nobody else is waiting.
    Line,
    /// No slot is free.
    MaxActive,
    /// Nothing is left, or no more than those called before can have.
    SoldOut,
    /// The broker went away, so no more messages could be sent. The store never answers this.
    Broker,
}

/// Why the schedule takes nobody of those who wait, even when a take is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// An operator paused the line.
    Paused,
    /// No waiting-room has beaten for 15 s, so members could not hear of their call.
    WaitingRoomAway,
    /// No token service has beaten for 15 s, so members could not fetch their tokens.
    TokenAway,
    /// A crowd waits and nobody of it is heard.
    Silence,
    /// Nothing is left, or no more than those called before can have.
    SoldOut,
    /// No slot is free.
    MaxActive,
    /// As many as a group are taken and not READY yet: nothing consumes their messages.
    Messages,
}

/// An entry taken off the front, with all that its ENTER message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenEntry {
    /// The member.
    pub member: MemberId,
    /// The entry.
    pub number: EntryNumber,
    /// For people; may be empty.
    pub name: String,
    /// When it was taken.
    pub taken_at: UnixMs,
}

/// A member in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The member.
    pub member: MemberId,
    /// The entry.
    pub number: EntryNumber,
    /// For people; may be empty.
    pub name: String,
    /// Unseen, place still kept.
    pub away: bool,
}

/// How many there are now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// In line and seen lately.
    pub waiting: u64,
    /// In line, unseen, place kept.
    pub away: u64,
    /// Taken off the front, not yet READY.
    pub admitting: u64,
    /// READY.
    pub ready: u64,
    /// ENTERED.
    pub inside: u64,
    /// Slots in use: admitting, READY, ENTERED, and sessions that ended less than 7 s ago.
    pub slots: u64,
}

/// How many there have been since the concert began; what has expired counts, swept or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Entries accepted.
    pub joined: u64,
    /// Became READY through `open`.
    pub by_open: u64,
    /// Became READY through the schedule.
    pub by_schedule: u64,
    /// Went straight in.
    pub by_enter: u64,
    /// Left the line by choice.
    pub left: u64,
    /// Removed from the line by an admin.
    pub removed: u64,
    /// Unseen too long.
    pub lapsed: u64,
    /// In line when an admin, a close or the end emptied it.
    pub cleared: u64,
    /// READY, token never fetched.
    pub unclaimed: u64,
    /// ENTERED until the session's time was up.
    pub expired: u64,
    /// ENTERED, completed.
    pub completed: u64,
    /// Left or were removed while READY or ENTERED.
    pub exited: u64,
}

impl Totals {
    /// Returns how many became READY.
    pub fn admitted(&self) -> u64 {
        self.by_open + self.by_schedule + self.by_enter
    }
}

/// The whole line in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The moment, by the store's clock.
    pub at: UnixMs,
    /// The concert in force.
    pub concert: Arc<Concert>,
    /// Now.
    pub counts: Counts,
    /// Since the beginning.
    pub totals: Totals,
    /// What waits are estimated from.
    pub line_facts: LineFacts,
    /// How far the line has come.
    pub progress: Progress,
    /// Whoever has this entry number or a later one has not been taken off the front: the larger of the
    /// first waiting entry, those away not counted, and the one after the last that was taken. `None` if
    /// nobody is waiting.
    pub front: Option<EntryNumber>,
    /// The first entry in line, away ones included.
    pub head: Option<EntryNumber>,
    /// The last entry number given.
    pub last: Option<EntryNumber>,
    /// Entries up to this number were cleared.
    pub cleared_through: Option<EntryNumber>,
    /// Guests refused a token, since the beginning: their addresses had too many.
    pub guests_refused: u64,
    /// Members seen lately who were still in line when one behind them was taken, since the beginning. Always 0.
    pub out_of_order: u64,
    /// What holds the schedule; `None` if nothing does, nobody is waiting, or there is no schedule now.
    pub held: Option<Held>,
}

impl Snapshot {
    /// Returns the phase at the snapshot's moment.
    pub fn phase(&self) -> Phase {
        self.concert.phase(self.at)
    }

    /// Returns whether both sums hold: every accepted entry is counted exactly once, and so is every
    /// member who became READY.
    pub fn adds_up(&self) -> bool {
        self.lost() == 0
    }

    /// Returns how many entries the two sums do not explain.
    pub fn lost(&self) -> u64 {
        let (now, ever) = (&self.counts, &self.totals);
        let places = now.waiting + now.away + now.admitting + ever.admitted();
        let joined = places + ever.left + ever.removed + ever.lapsed + ever.cleared;
        let sessions = now.ready + now.inside + ever.unclaimed + ever.expired;
        let admitted = sessions + ever.completed + ever.exited;
        ever.joined.abs_diff(joined) + ever.admitted().abs_diff(admitted)
    }
}

/// The line in numbers, as all processes share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The line as it was.
    pub snapshot: Snapshot,
    /// The moment of this answer, by the store's clock: less than a second later.
    pub now: UnixMs,
}
