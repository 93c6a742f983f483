//! Synthetic fans that use the HTTP API as real ones do.

mod demo;
mod diary;
mod fan;
mod shopper;

pub use demo::{Demo, Tokens};
pub(crate) use diary::{Diary, Fault};
pub(crate) use fan::Fan;
