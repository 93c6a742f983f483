//! The line on both stores: the same behaviour, the same random sequences, and Redis by itself.

mod behaviour;
mod failover;
mod feed;
mod model;
mod redis;
mod world;
