//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum, value_parser};
use serde_json::{Value, json};
use sunbeon_domain::ConcertId;

use crate::Usage;

/// How the run's own concert admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineMode {
    /// Everyone lines up and is admitted in batches, on schedule.
    Queue,
    /// Up to --max-active members go straight in; the rest line up.
    Threshold,
}

/// Sends a crowd through a sale over HTTP and checks every promise of the servers.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Front door that answers every route [default: SUNBEON_URL, else the instances in the settings,
    /// else http://127.0.0.1:8080]
    #[arg(long)]
    pub url: Option<String>,
    /// Bypass the front door: take turns among the instances in the settings
    #[arg(long, conflicts_with = "url")]
    pub direct: bool,
    /// File of KEY=value lines with addresses and secrets [default: .dev/env, if it exists]
    #[arg(long, value_name = "FILE")]
    pub env: Option<PathBuf>,
    /// Members in the crowd
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub members: u32,
    /// Existing concert to go to [default: the run creates its own and removes it at the end]
    #[arg(long, value_name = "ID", value_parser = |text: &str| ConcertId::parse(text))]
    pub concert: Option<ConcertId>,
    /// Members admitted per batch; only for the run's own concert
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=10_000))]
    pub group_size: u32,
    /// Seconds between two batches; only for the run's own concert
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=3_600))]
    pub interval_seconds: u32,
    /// How members are admitted; only for the run's own concert
    #[arg(long, value_enum, default_value_t = LineMode::Queue)]
    pub mode: LineMode,
    /// Members inside at a time; only for the run's own concert [default: no limit]
    #[arg(long, value_parser = value_parser!(u32).range(1..=10_000_000))]
    pub max_active: Option<u32>,
    /// Seconds over which the members arrive, evenly spread
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(0..=86_400))]
    pub arrival_seconds: u32,
    /// Requests in flight at a time
    #[arg(long, default_value_t = 256, value_parser = value_parser!(u16).range(1..=4_096))]
    pub connections: u16,
    /// Seconds after which the run gives up
    #[arg(long, default_value_t = 300, value_parser = value_parser!(u32).range(1..=86_400))]
    pub timeout_seconds: u32,
    /// Complete each session as soon as its booking token is issued
    #[arg(long)]
    pub complete: bool,
    /// Allow addresses other than loopback; only ever load your own machines
    #[arg(long)]
    pub allow_remote: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// Refuses options with which a run could never succeed.
    pub fn check(&self) -> Result<(), Usage> {
        let fail = |text: &str| Err(Usage(text.to_owned()));
        if self.arrival_seconds > self.timeout_seconds {
            return fail("--arrival-seconds is longer than --timeout-seconds");
        }
        if self.concert.is_some() {
            return Ok(());
        }
        if self.mode == LineMode::Threshold && self.max_active.is_none() {
            return fail("--mode threshold needs --max-active");
        }
        if self.max_active.is_some_and(|slots| slots < self.members) && !self.complete {
            return fail("--max-active below --members needs --complete: no slot would come free");
        }
        let lined_up = match self.mode {
            LineMode::Queue => self.members,
            LineMode::Threshold => self.members.saturating_sub(self.max_active.unwrap_or(0)),
        };
        let batches = u64::from(lined_up.div_ceil(self.group_size));
        if batches.saturating_sub(1) * u64::from(self.interval_seconds)
            > self.timeout_seconds.into()
        {
            return fail(
                "--timeout-seconds is too short to admit everyone at this group size and interval",
            );
        }
        Ok(())
    }

    /// Returns the time limit of the run.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    /// Returns the fields of the run's own concert.
    pub(crate) fn concert_fields(&self, id: &ConcertId) -> Value {
        let mode = match self.mode {
            LineMode::Queue => "queue",
            LineMode::Threshold => "threshold",
        };
        let mut fields = json!({
            "concertId": id, "title": "Load run", "mode": mode, "autoOpen": true,
            "groupSize": self.group_size, "entryIntervalSeconds": self.interval_seconds
        });
        if let Some(slots) = self.max_active {
            fields["maxActive"] = slots.into();
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(format!("load {words}").split_whitespace())
    }

    #[test]
    fn the_default_options_are_valid() {
        let options = options("").unwrap();
        assert!(options.check().is_ok());
        assert_eq!(
            (options.members, options.connections, options.json),
            (10_000, 256, false)
        );
    }

    #[test]
    fn values_out_of_bounds_are_usage_errors() {
        for words in [
            "--members 0",
            "--members 1000001",
            "--concert a:b",
            "--mode off",
            "--x",
        ] {
            assert_eq!(options(words).unwrap_err().exit_code(), 2, "{words}");
        }
    }

    #[test]
    fn options_that_can_never_finish_are_refused() {
        for words in [
            "--mode threshold",
            "--max-active 9",
            "--group-size 1",
            "--arrival-seconds 20 --timeout-seconds 10",
        ] {
            assert!(options(words).unwrap().check().is_err(), "{words}");
        }
        assert!(
            options("--max-active 9 --complete")
                .unwrap()
                .check()
                .is_ok()
        );
        assert!(
            options("--concert c --group-size 1")
                .unwrap()
                .check()
                .is_ok()
        );
    }
}
