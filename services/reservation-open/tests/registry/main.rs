//! The registry on both databases, and the jobs beside it.

mod one_bad_line;
mod origins;
mod tables;
mod world;
