//! The line on both stores: the same behaviour, the same random sequences, and Redis by itself.

/// Runs each behaviour on the embedded store and on a real Redis.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::memory().await).await;
            })*
        }
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::redis().await).await;
            })*
        }
    };
}

mod batches;
mod behaviour;
mod failover;
mod feed;
mod gates;
mod layout;
mod model;
mod pages;
mod redis;
mod servers;
mod stock;
mod tick;
mod time;
mod world;
