//! The registry on both databases, and the background jobs.

mod one_bad_line;
mod origins;
mod tables;
mod world;
