//! What the page shows: one state of a few, with its values.

use serde::Serialize;
use serde_json::{Value, json};
use sunbeon_chassis::Member;
use sunbeon_domain::{Identity, Language, Phase, Standing, Status, UnixMs};
use sunbeon_gate::{Target, Ways};
use sunbeon_snapshot::{PublicSnapshot, View};

use super::wait::{self, Wait};

/// Who looks at the page.
pub(super) enum Visitor {
    /// Nobody that we know.
    Nobody,
    /// A member or a guest.
    Known {
        /// Whether it is a guest.
        guest: bool,
        /// Where they are.
        standing: Box<Standing>,
    },
}

impl Visitor {
    pub(super) fn of(member: &Member, standing: Standing) -> Self {
        Self::Known {
            guest: member.id.is_guest(),
            standing: Box::new(standing),
        }
    }
}

/// What a form's answer tells on the page that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// The line is full.
    Full,
    /// Guests are not let in.
    MembersOnly,
    /// The visitor has left.
    Left,
    /// The visitor could not be let in; the token service says so.
    NotNow,
}

impl Said {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::MembersOnly => "members",
            Self::Left => "left",
            Self::NotNow => "not-now",
        }
    }

    /// Returns whether it is still true of a page in this state: its address may be opened again.
    fn fits(self, state: State) -> bool {
        match self {
            Self::Full | Self::MembersOnly => matches!(state, State::SignIn | State::Join),
            Self::Left => matches!(state, State::SignIn | State::Join | State::Full),
            Self::NotNow => state == State::Called,
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Full, Self::MembersOnly, Self::Left, Self::NotNow];
        all.into_iter().find(|said| said.word() == word)
    }
}

/// The states of the page. The page's script knows the same (`crates/pages/web/waiting-state.js`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// The line opens later.
    Early,
    /// Only members may line up, and nobody is logged in.
    SignIn,
    /// The visitor may line up.
    Join,
    /// There is no room in line.
    Full,
    /// In line, and booking starts later.
    Before,
    /// In line.
    Waiting,
    /// In line, and nobody is admitted for now.
    Paused,
    /// In line, and nothing is left.
    SoldOut,
    /// It is the visitor's turn.
    Called,
    /// In the shop.
    Entered,
    /// The sale is over.
    Over,
}

/// The places and the seconds from which on the turn is near. The page's script knows the same.
const NEXT: u64 = 10;
const NEXT_S: u64 = 180;

/// Those who have a number.
const IN_LINE: [State; 4] = [State::Before, State::Waiting, State::Paused, State::SoldOut];

impl State {
    fn of(view: &View, visitor: &Visitor, line: &PublicSnapshot) -> Self {
        let phase = view.snapshot.phase();
        let status = match visitor {
            Visitor::Nobody => Status::NotInQueue,
            Visitor::Known { standing, .. } => standing.status,
        };
        match (status, phase) {
            (Status::Ready, _) => Self::Called,
            (Status::Entered, _) => Self::Entered,
            (Status::BookingClosed, _) | (_, Phase::Closed | Phase::Ended) => Self::Over,
            (Status::Waiting, Phase::Early | Phase::Before) => Self::Before,
            (Status::Waiting, Phase::Paused) => Self::Paused,
            (Status::Waiting, _) if line.sold_out => Self::SoldOut,
            (Status::Waiting, _) => Self::Waiting,
            (Status::NotInQueue, Phase::Early) => Self::Early,
            (Status::NotInQueue, _) if line.full => Self::Full,
            (Status::NotInQueue, _) => {
                let members_only = view.snapshot.concert.policy.identity == Identity::Member;
                match visitor {
                    Visitor::Nobody | Visitor::Known { guest: true, .. } if members_only => {
                        Self::SignIn
                    }
                    _ => Self::Join,
                }
            }
        }
    }

    /// Returns after how many seconds the state may be another one without the visitor's doing; `None` if
    /// only they can change it, or if a new page would take a form from under their fingers.
    fn refresh(self, standing: Option<&Standing>) -> Option<u64> {
        match self {
            Self::Early => Some(30),
            Self::Called => Some(10),
            Self::Before | Self::Waiting | Self::Paused | Self::SoldOut => {
                let pause = standing.and_then(|standing| standing.poll_after_ms);
                Some(pause.unwrap_or_default().div_ceil(1_000).max(5))
            }
            Self::SignIn | Self::Join | Self::Full | Self::Entered | Self::Over => None,
        }
    }
}

/// What the template is given.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    concert: String,
    title: String,
    state: State,
    /// When booking starts, if it does later.
    starts: Option<String>,
    /// When the line opens, if it does later.
    opens: Option<String>,
    /// The time of the day until which the visitor can enter, or until which their session lasts.
    until: Option<String>,
    /// What is left until the next change that is known.
    countdown: Option<String>,
    /// How many are in line before the visitor.
    ahead: u64,
    /// How many are in line behind them.
    behind: u64,
    wait: Option<Wait>,
    standing: Option<Standing>,
    /// Whether the visitor's turn is a few minutes away.
    is_next: bool,
    /// The public snapshot.
    line: Value,
    /// The time of the day.
    checked: String,
    said: Option<&'static str>,
    /// Whether to ask if the visitor really wants to leave.
    leaving: bool,
    /// The seconds after which a browser without a script asks again.
    refresh: Option<u64>,
    /// Where a member goes when it is their turn.
    target: String,
    /// The way back that the page was asked with.
    asked: Option<String>,
    /// The same for a link to this page: empty, or `&target=…`.
    query: String,
    login: Option<String>,
    /// This page with its way back, for a login to return to.
    return_here: String,
    /// What the script cannot ask for.
    data: Value,
}

impl Shown {
    pub(super) fn new(
        ways: &Ways,
        view: &View,
        visitor: Visitor,
        back: Option<&Target>,
        (said, leaving): (Option<Said>, bool),
        language: Language,
    ) -> Self {
        let (concert, now) = (&view.snapshot.concert, view.now());
        let policy = &concert.policy;
        let line = PublicSnapshot::from(view);
        let state = State::of(view, &visitor, &line);
        let line = json!(line);
        let said = said.filter(|said| said.fits(state)).map(Said::word);
        let (known, guest, standing) = match visitor {
            Visitor::Nobody => (false, false, None),
            Visitor::Known { guest, standing } => (true, guest, Some(*standing)),
        };
        let told = standing.as_ref();
        let number = told.and_then(|told| told.queue_number);
        let total = told.and_then(|told| told.total_waiting_count);
        let moment = |at: UnixMs| at.local_moment(&policy.time_zone, language);
        let later = |at: Option<UnixMs>| at.filter(|at| *at > now);
        let (opens, starts) = (later(concert.opens_at()), later(policy.booking_start_at));
        let until = told.and_then(|told| told.expires_at);
        let next = match state {
            State::Called | State::Entered => until,
            State::Early => opens,
            _ => starts,
        };
        let time = |at: UnixMs| at.local_time(&policy.time_zone);
        let wait = told.and_then(|told| told.estimated_wait_seconds);
        let is_next = wait.is_some_and(|seconds| seconds <= NEXT_S);
        let here = ways.to_the_line(&concert.concert_id, back);
        let query = here.split_once('?').map(|(_, query)| format!("&{query}"));
        let target = back.map(ToString::to_string);
        let target = target.unwrap_or_else(|| ways.landing_page(&concert.concert_id));
        Self {
            concert: concert.concert_id.to_string(),
            title: policy.title.clone(),
            state,
            starts: starts.map(moment),
            opens: opens.map(moment),
            until: until.map(time),
            countdown: next.map(|next| wait::left(next, now)),
            ahead: number.unwrap_or_default().saturating_sub(1),
            behind: total
                .unwrap_or_default()
                .saturating_sub(number.unwrap_or_default()),
            is_next: is_next && number.is_some_and(|number| number <= NEXT),
            wait: wait.map(|seconds| Wait::of(seconds, now, &policy.time_zone)),
            checked: time(now),
            said,
            leaving: leaving && told.is_some_and(|told| told.entry_number.is_some()),
            refresh: state.refresh(told).filter(|_| !leaving),
            data: json!({
                "state": state, "known": known, "guest": guest, "now": now, "target": target,
                "inLine": IN_LINE, "said": said, "line": line, "standing": standing,
            }),
            asked: back.map(ToString::to_string),
            query: query.unwrap_or_default(),
            return_here: here,
            login: ways.login(&concert.concert_id, back),
            target,
            line,
            standing,
        }
    }
}
