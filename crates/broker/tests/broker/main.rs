//! Both brokers: shared behaviour, dead letters, events, and faults.

mod away;
mod behaviour;
mod dead;
mod events;
mod faults;
mod kit;
