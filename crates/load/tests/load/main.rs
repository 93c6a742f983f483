//! The crowd against a fake server.

mod crowd;
mod fake;
