//! The observations of one fan.

use std::time::Instant;

use serde::Deserialize;
use sunbeon_domain::{ConcertId, Status};

use crate::{
    api::{Answer, Told},
    order::Entry,
};

/// Something that must never happen to a fan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    EntryNumberChanged,
    EntryNumberMissing,
    QueueNumberRose,
    BackInLine,
    Lost,
    BookingTokenChanged,
    BookingTokenOfAnother,
}

impl Fault {
    /// Returns the fault's name in a report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EntryNumberChanged => "entry number changed",
            Self::EntryNumberMissing => "answer without an entry number",
            Self::QueueNumberRose => "queue number rose",
            Self::BackInLine => "back in line after READY",
            Self::Lost => "lost from the line",
            Self::BookingTokenChanged => "a second booking token",
            Self::BookingTokenOfAnother => "booking token of another entry",
        }
    }
}

/// A fan's memory: enough for every check of a run, and small enough for a million fans.
#[derive(Debug, Default)]
pub(crate) struct Diary {
    pub(crate) entry: Option<Entry<Instant>>,
    pub(crate) queue_number: Option<u64>,
    /// The latest moment at which the fan was certainly in line.
    pub(crate) waited_at: Option<Instant>,
    /// When the first READY answer had arrived.
    pub(crate) ready_at: Option<Instant>,
    pub(crate) token_id: Option<String>,
    pub(crate) completed: bool,
    pub(crate) faults: Vec<Fault>,
}

/// The claims of a booking token that identify its entry. Checking the signature is the gate's job.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    cid: String,
    ent: u64,
    jti: String,
}

impl Diary {
    /// Records the answer to `enter`.
    pub(crate) fn entered(&mut self, answer: &Answer) {
        if let (None, Some(number)) = (self.entry, answer.told.entry_number) {
            let (sent, answered) = (answer.first_sent, answer.answered);
            self.entry = Some(Entry {
                sent,
                answered,
                number,
            });
        }
        self.polled(answer);
    }

    /// Records the answer to `status`, or to entering again.
    pub(crate) fn polled(&mut self, answer: &Answer) {
        self.same_entry(&answer.told);
        match answer.told.status {
            Some(Status::Waiting) => self.waits(&answer.told, answer.true_at),
            Some(Status::Ready | Status::Entered) => {
                self.ready_at.get_or_insert(answer.answered);
            }
            _ => self.faults.push(Fault::Lost),
        }
    }

    fn same_entry(&mut self, told: &Told) {
        let placed = matches!(
            told.status,
            Some(Status::Waiting | Status::Ready | Status::Entered)
        );
        match (self.entry, told.entry_number) {
            (Some(entry), Some(number)) if entry.number != number => {
                self.faults.push(Fault::EntryNumberChanged);
            }
            (_, None) if placed => self.faults.push(Fault::EntryNumberMissing),
            _ => (),
        }
    }

    fn waits(&mut self, told: &Told, at: Option<Instant>) {
        if self.ready_at.is_some() {
            self.faults.push(Fault::BackInLine);
        }
        let Some(number) = told.queue_number else {
            return;
        };
        if self.queue_number.is_some_and(|before| number > before) {
            self.faults.push(Fault::QueueNumberRose);
        }
        self.queue_number = Some(number);
        if number > 1 {
            self.waited_at = self.waited_at.max(at);
        }
    }

    /// Records a booking token, whether the first or the same one again.
    pub(crate) fn claimed(&mut self, token: &str, member: &str, concert: &ConcertId) {
        let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token) else {
            return self.faults.push(Fault::BookingTokenOfAnother);
        };
        let number = self.entry.map(|entry| entry.number);
        let mine = claims.sub == member && claims.cid == concert.as_str();
        if !mine || number != Some(claims.ent) {
            self.faults.push(Fault::BookingTokenOfAnother);
        }
        match &self.token_id {
            Some(id) if *id != claims.jti => self.faults.push(Fault::BookingTokenChanged),
            _ => self.token_id = Some(claims.jti),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: Status, entry_number: u64, queue_number: Option<u64>) -> Answer {
        let now = Instant::now();
        let told = Told {
            status: Some(status),
            entry_number: Some(entry_number),
            queue_number,
            ..Told::default()
        };
        Answer {
            told,
            first_sent: now,
            true_at: Some(now),
            answered: now,
        }
    }

    #[test]
    fn a_quiet_stay_has_no_faults() {
        let mut diary = Diary::default();
        diary.entered(&told(Status::Waiting, 7, Some(3)));
        diary.polled(&told(Status::Waiting, 7, Some(3)));
        diary.polled(&told(Status::Waiting, 7, Some(1)));
        diary.polled(&told(Status::Ready, 7, None));
        assert!(diary.faults.is_empty() && diary.ready_at.is_some());
    }

    #[test]
    fn every_fault_is_seen() {
        let mut diary = Diary::default();
        diary.entered(&told(Status::Waiting, 7, Some(3)));
        diary.polled(&told(Status::Waiting, 8, Some(4)));
        diary.polled(&told(Status::Ready, 7, None));
        diary.polled(&told(Status::Waiting, 7, Some(2)));
        diary.polled(&told(Status::NotInQueue, 7, None));
        diary.claimed("nonsense", "m", &ConcertId::parse("c").unwrap());
        assert_eq!(
            diary.faults,
            [
                Fault::EntryNumberChanged,
                Fault::QueueNumberRose,
                Fault::BackInLine,
                Fault::Lost,
                Fault::BookingTokenOfAnother
            ]
        );
    }

    #[test]
    fn a_waiting_answer_at_number_1_proves_nothing() {
        let mut diary = Diary::default();
        diary.entered(&told(Status::Waiting, 7, Some(1)));
        assert_eq!(diary.waited_at, None);
        let answer = told(Status::Waiting, 7, Some(2));
        let mut diary = Diary::default();
        diary.polled(&answer);
        assert_eq!(diary.waited_at, answer.true_at);
    }
}
