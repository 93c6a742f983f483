//! The waiting-room service over HTTP, on the embedded store and on a real Redis.

mod app;
mod concurrency;
mod guests;
mod leaving;
mod lines;
mod page;
mod passes;
mod standings;
