//! The shop behind its gate, with nginx in front of everything.

mod gate;
mod keys;
mod sale;
mod world;
