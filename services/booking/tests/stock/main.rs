//! The stock on every database: what a shop must never get wrong.

mod bookings;
mod faults;
mod holds;
mod outbox;
mod payments;
mod races;
mod random;
mod sale;
mod sessions;
mod statements;
mod world;

/// Runs each test on every kind of database.
macro_rules! on_each {
    ($($name:ident),* $(,)?) => {
        mod sqlite_in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::in_memory().await).await;
            })*
        }
        mod sqlite_file {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::in_a_file().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::world::World::postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_each;
