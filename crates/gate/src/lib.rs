#![doc = include_str!("../README.md")]

mod decide;
mod ended;
#[cfg(feature = "axum")]
mod extract;
mod feeds;
mod gate;
mod layer;
mod modes;
mod numbers;
mod refuse;
mod seen;
mod settings;
mod slots;
mod snapshot;
mod target;
mod turns;
mod visit;
mod watch;
mod ways;

pub use gate::Gate;
pub use layer::{GateLayer, Gated};
pub use settings::{InvalidSettings, OnFailure, Settings};
pub use sunbeon_client::SunbeonUrl;
pub use target::Target;
pub use visit::{Admitted, Visit};
pub use ways::Ways;
