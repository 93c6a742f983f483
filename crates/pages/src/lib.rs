#![doc = include_str!("../README.md")]

mod assets;
mod language;
mod page;

pub use assets::{assets, compressed, script};
pub use language::Chosen;
pub use page::{Page, show, submits_to};
