//! The verdict: do the promises hold, by what the fans and the operators saw?

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    time::Instant,
};

use serde::Serialize;

use crate::{
    crowd::{Diary, Fault},
    ledger::Ledger,
    order::{Stay, admitted_out_of_order, numbered_out_of_order},
};

/// One promise, kept or broken.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

impl Check {
    pub(crate) fn new(name: &'static str, ok: bool, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok,
            detail: detail.into(),
        }
    }

    fn all(name: &'static str, count: usize, of: usize) -> Self {
        Self::new(name, count == of, format!("{count} of {of}"))
    }

    fn none(name: &'static str, violations: usize, among: String) -> Self {
        Self::new(
            name,
            violations == 0,
            format!("{violations} violations; {among}"),
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.ok { "ok  " } else { "FAIL" };
        write!(f, "{mark}  {:<46}{}", self.name, self.detail)
    }
}

/// Judges the fans' diaries; `members` is the number of fans expected.
pub(crate) fn judge_fans(diaries: &[Diary], members: usize, complete: bool) -> Vec<Check> {
    let count = |had: fn(&Diary) -> bool| diaries.iter().filter(|diary| had(diary)).count();
    let claimed = count(|diary| diary.token_id.is_some());
    let tokens: HashSet<_> = diaries
        .iter()
        .filter_map(|diary| diary.token_id.as_ref())
        .collect();
    let mut checks = vec![
        Check::all(
            "everyone was admitted",
            count(|diary| diary.ready_at.is_some()),
            members,
        ),
        Check::all("everyone has the booking token", claimed, members),
        Check::all(
            "no two members share a booking token",
            tokens.len(),
            claimed,
        ),
    ];
    if complete {
        checks.push(Check::all(
            "everyone completed",
            count(|diary| diary.completed),
            members,
        ));
    }
    checks.push(faults(diaries));
    checks.extend(order(diaries));
    checks
}

fn faults(diaries: &[Diary]) -> Check {
    let mut kinds: BTreeMap<Fault, usize> = BTreeMap::new();
    for fault in diaries.iter().flat_map(|diary| &diary.faults) {
        *kinds.entry(*fault).or_default() += 1;
    }
    let list: Vec<_> = kinds
        .iter()
        .map(|(kind, n)| format!("{} ({n})", kind.name()))
        .collect();
    let detail = if list.is_empty() {
        "no violations".to_owned()
    } else {
        list.join(", ")
    };
    Check::new(
        "every place and token stayed the same",
        list.is_empty(),
        detail,
    )
}

fn order(diaries: &[Diary]) -> [Check; 2] {
    let entries: Vec<_> = diaries.iter().filter_map(|diary| diary.entry).collect();
    let stay = |diary: &Diary| -> Option<Stay<Instant>> {
        let number = diary.entry?.number;
        Some(Stay {
            number,
            waited_at: diary.waited_at,
            ready_at: diary.ready_at,
        })
    };
    let stays: Vec<_> = diaries.iter().filter_map(stay).collect();
    let waited = stays.iter().filter(|stay| stay.waited_at.is_some()).count();
    let numbered = numbered_out_of_order(&entries);
    let admitted = admitted_out_of_order(&stays);
    [
        Check::none(
            "numbered in order of asking",
            numbered,
            format!("{} entries", entries.len()),
        ),
        Check::none(
            "admitted in order",
            admitted,
            format!("{waited} seen waiting"),
        ),
    ]
}

/// The operators' readings, each second and at the end.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    readings: usize,
    line_off: usize,
    sessions_off: usize,
    over_limit: usize,
    unread: Vec<String>,
    pub(crate) last: Option<Ledger>,
}

impl Watch {
    pub(crate) fn note(&mut self, reading: anyhow::Result<Ledger>, max_active: Option<u32>) {
        let ledger = match reading {
            Ok(ledger) => ledger,
            Err(error) => return self.unread.push(format!("{error:#}")),
        };
        let in_use = ledger.admitting + ledger.ready + ledger.inside;
        self.readings += 1;
        self.line_off += usize::from(!ledger.line_adds_up());
        self.sessions_off += usize::from(!ledger.sessions_add_up());
        self.over_limit += usize::from(max_active.is_some_and(|limit| in_use > limit.into()));
        self.last = Some(ledger);
    }

    /// Judges the readings. With `whole`, exactly that many members must have gone through the
    /// concert.
    pub(crate) fn judge(&self, whole: Option<u64>, complete: bool) -> Vec<Check> {
        let among = || format!("{} readings", self.readings);
        let unread = self.unread.first().map_or_else(among, String::clone);
        let mut checks = vec![
            Check::new(
                "operators could read the line",
                self.unread.is_empty(),
                unread,
            ),
            Check::none("joined adds up", self.line_off, among()),
            Check::none("admitted adds up", self.sessions_off, among()),
            Check::none("slots within maxActive", self.over_limit, among()),
        ];
        if let (Some(members), Some(last)) = (whole, self.last) {
            let done = if complete { members } else { 0 };
            let seen = (last.joined, last.admitted, last.completed);
            checks.push(Check::new(
                "operators count what the fans saw",
                seen == (members, members, done),
                format!(
                    "joined {}, admitted {}, completed {}",
                    seen.0, seen.1, seen.2
                ),
            ));
        }
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(checks: &[Check]) -> Vec<&'static str> {
        checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| check.name)
            .collect()
    }

    #[test]
    fn a_lost_fan_fails_the_run() {
        let diaries = [Diary {
            faults: vec![Fault::Lost],
            ..Diary::default()
        }];
        let checks = judge_fans(&diaries, 1, true);
        assert_eq!(
            failed(&checks),
            [
                "everyone was admitted",
                "everyone has the booking token",
                "everyone completed",
                "every place and token stayed the same"
            ]
        );
    }

    #[test]
    fn a_shared_booking_token_fails_the_run() {
        let diary = || Diary {
            ready_at: Some(Instant::now()),
            token_id: Some("t".into()),
            ..Diary::default()
        };
        let checks = judge_fans(&[diary(), diary()], 2, false);
        assert_eq!(failed(&checks), ["no two members share a booking token"]);
    }

    #[test]
    fn a_reading_that_does_not_add_up_fails_the_run() {
        let mut watch = Watch::default();
        let sound = Ledger {
            joined: 3,
            admitted: 3,
            inside: 3,
            ..Ledger::default()
        };
        watch.note(Ok(sound), Some(3));
        assert!(failed(&watch.judge(Some(3), false)).is_empty());
        watch.note(
            Ok(Ledger {
                joined: 4,
                inside: 4,
                ..sound
            }),
            Some(3),
        );
        watch.note(Err(anyhow::anyhow!("503 STORE_DOWN")), Some(3));
        assert_eq!(
            failed(&watch.judge(Some(4), true)),
            [
                "operators could read the line",
                "joined adds up",
                "admitted adds up",
                "slots within maxActive",
                "operators count what the fans saw"
            ]
        );
    }
}
