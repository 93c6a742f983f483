//! Both brokers: shared behaviour, events, and faults.

mod behaviour;
mod events;
mod faults;
mod kit;
