//! The shop over HTTP, on both databases.

mod bodies;
mod bookings;
mod doors;
mod export;
mod holds;
mod killed;
mod leavers;
mod list;
mod map;
mod moved;
mod pages;
mod payments;
mod provider;
mod reports;
mod stocks;
mod sunbeon;
mod walk;
mod world;
