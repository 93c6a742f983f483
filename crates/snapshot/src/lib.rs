#![doc = include_str!("../README.md")]

mod heard;
mod place;
mod public;
mod snapshots;

pub use heard::Heard;
pub use place::Told;
pub use public::PublicSnapshot;
pub use snapshots::{Snapshots, View};
