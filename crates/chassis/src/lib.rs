#![doc = include_str!("../README.md")]

pub mod auth;
pub mod command;
mod conditional;
mod current;
pub mod envelope;
mod export;
pub mod extract;
pub mod http;
pub mod lifecycle;
mod limits;
mod process;
mod rounds;
pub mod settings;
pub mod telemetry;

pub use auth::{Admin, Auth, ByCookie, Member, Origin};
pub use conditional::{Expected, Known, Tag, Whole};
pub use envelope::{ApiError, ApiResult, Empty, Failure, OrFail, Reply, Success};
pub use export::{Export, ExportRow};
pub use extract::{Body, IdempotencyKey, PathConcert, PathMember, QueryPairs};
pub use lifecycle::Lifecycle;
pub use process::Process;
pub use rounds::Rounds;
