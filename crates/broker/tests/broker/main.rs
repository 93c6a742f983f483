//! Both brokers: shared behaviour, events, and faults.

mod away;
mod behaviour;
mod events;
mod faults;
mod kit;
