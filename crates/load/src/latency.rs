//! How long requests took, and how they failed.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::verb::Verb;

/// The samples of one verb.
#[derive(Default)]
struct Samples {
    micros: Vec<u32>,
    errors: BTreeMap<String, u64>,
    span: Option<(Instant, Instant)>,
}

/// Every request of a run, by verb.
#[derive(Default)]
pub(crate) struct Recorder([Mutex<Samples>; Verb::ALL.len()]);

/// One verb's summary; times in milliseconds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) verb: &'static str,
    pub(crate) count: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Recorder {
    /// Records an answer, good or bad, that arrived completely.
    pub(crate) fn answered(&self, verb: Verb, sent: Instant, answered: Instant) {
        let mut samples = self.of(verb);
        samples.micros.push(micros(answered - sent));
        let (first, last) = samples.span.unwrap_or((sent, answered));
        samples.span = Some((first.min(sent), last.max(answered)));
    }

    /// Records a failure by HTTP status and code.
    pub(crate) fn failed(&self, verb: Verb, what: String) {
        *self.of(verb).errors.entry(what).or_default() += 1;
    }

    /// Returns one row per verb that was used.
    pub(crate) fn rows(&self) -> Vec<Summary> {
        let rows = Verb::ALL.iter().map(|verb| row(*verb, &mut self.of(*verb)));
        rows.filter(|row| row.count > 0 || !row.errors.is_empty())
            .collect()
    }

    fn of(&self, verb: Verb) -> std::sync::MutexGuard<'_, Samples> {
        self.0[verb as usize]
            .lock()
            .expect("nothing panics while it holds the samples")
    }
}

fn row(verb: Verb, samples: &mut Samples) -> Summary {
    samples.micros.sort_unstable();
    let seconds = samples
        .span
        .map_or(0.0, |(first, last)| (last - first).as_secs_f64());
    let ms = |percent| f64::from(percentile(&samples.micros, percent)) / 1000.0;
    Summary {
        verb: verb.name(),
        count: samples.micros.len(),
        per_second: if seconds > 0.0 {
            samples.micros.len() as f64 / seconds
        } else {
            0.0
        },
        p50_ms: ms(50),
        p95_ms: ms(95),
        p99_ms: ms(99),
        max_ms: ms(100),
        errors: samples.errors.clone(),
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// Returns the nearest rank: the smallest value that at least `percent` of all values do not
/// exceed, or 0 if there are none.
fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(
            [50, 95, 99, 100].map(|p| percentile(&hundred, p)),
            [50, 95, 99, 100]
        );
        assert_eq!(
            [50, 95, 100].map(|p| percentile(&[7, 9, 11], p)),
            [9, 11, 11]
        );
        assert_eq!([50, 99].map(|p| percentile(&[7], p)), [7, 7]);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn a_row_holds_what_was_recorded() {
        let recorder = Recorder::default();
        let start = Instant::now();
        for ms in [3, 1, 2] {
            recorder.answered(Verb::Enter, start, start + Duration::from_millis(ms));
        }
        recorder.failed(Verb::Enter, "503 STORE_DOWN".into());
        let rows = recorder.rows();
        assert_eq!((rows.len(), rows[0].verb, rows[0].count), (1, "enter", 3));
        assert_eq!((rows[0].p50_ms, rows[0].max_ms), (2.0, 3.0));
        assert_eq!(rows[0].errors["503 STORE_DOWN"], 1);
    }
}
