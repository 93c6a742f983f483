//! The crowd against a server of its own.

mod crowd;
mod fake;
