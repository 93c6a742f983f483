#![doc = include_str!("../README.md")]

mod access;
mod admin;
pub mod api;
mod command;
pub mod crowd;
mod dice;
mod latency;
pub mod ledger;
mod machine;
pub mod options;
pub mod order;
pub mod rehearse;
mod report;
pub mod run;
pub mod settings;
pub mod targets;
mod verb;
mod verdict;

pub use command::command;
pub use report::Report;

/// Why a run could not start: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
