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
        sunbeon_test_support::on_each! {
            ($($name),*)
            sqlite_in_memory: crate::world::World::in_memory(),
            sqlite_file: crate::world::World::in_a_file(),
            postgres: crate::world::World::postgres(),
        }
    };
}
pub(crate) use on_each;
