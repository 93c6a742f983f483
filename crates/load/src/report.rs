//! The findings of a run, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::{latency::Summary, ledger::Ledger, machine::Machine, verdict::Check};

/// A finished run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) concert_id: String,
    pub(crate) members: u32,
    pub(crate) connections: u16,
    /// From the first request to the last answer.
    pub(crate) wall_seconds: f64,
    /// From the first `enter` to the last member's first READY answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all_admitted_seconds: Option<f64>,
    pub(crate) verbs: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ledger: Option<Ledger>,
    pub(crate) checks: Vec<Check>,
    pub(crate) clean: bool,
}

impl Report {
    /// Returns whether nothing failed and every check passed.
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Returns the names of the failed checks.
    pub fn failed_checks(&self) -> Vec<&'static str> {
        self.checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| check.name)
            .collect()
    }

    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self
            .machine
            .memory_mib
            .map_or("?".to_owned(), |mib| mib.to_string());
        writeln!(f, "command   {}", self.command)?;
        writeln!(
            f,
            "machine   {} cores, {}, {memory} MiB (shared with the servers when they are local)",
            self.machine.cores, self.machine.cpu
        )?;
        writeln!(
            f,
            "concert   {}, {} members, {} connections",
            self.concert_id, self.members, self.connections
        )?;
        writeln!(f, "wall      {:.2} s", self.wall_seconds)?;
        match self.all_admitted_seconds {
            Some(seconds) => writeln!(f, "admitted  everyone within {seconds:.2} s"),
            None => writeln!(f, "admitted  not everyone"),
        }
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}  errors",
            "verb", "count", "per s", "p50 ms", "p95 ms", "p99 ms", "max ms"
        )?;
        for row in &self.verbs {
            let errors: Vec<_> = row
                .errors
                .iter()
                .map(|(what, n)| format!("{what}: {n}"))
                .collect();
            writeln!(
                f,
                "{:<10}{:>10}{:>10.1}{:>10.2}{:>10.2}{:>10.2}{:>10.2}  {}",
                row.verb,
                row.count,
                row.per_second,
                row.p50_ms,
                row.p95_ms,
                row.p99_ms,
                row.max_ms,
                if errors.is_empty() {
                    "none".to_owned()
                } else {
                    errors.join(", ")
                }
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.table(f)?;
        writeln!(f)?;
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        write!(f, "\n{}", if self.clean { "clean" } else { "NOT CLEAN" })
    }
}
