#![doc = include_str!("../README.md")]

mod heard;
mod place;
mod places;
mod public;
mod snapshots;
mod together;

pub use heard::Heard;
pub use place::Told;
pub use places::Places;
pub use public::PublicSnapshot;
pub use snapshots::{Snapshots, View};
pub use together::Together;
