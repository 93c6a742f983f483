//! Both brokers: the same behaviour, events, and what faults do.

mod behaviour;
mod events;
mod faults;
mod kit;
