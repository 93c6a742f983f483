#![doc = include_str!("../README.md")]

mod heard;
mod place;
mod snapshots;

pub use heard::Heard;
pub use place::Told;
pub use snapshots::{Snapshots, View};
