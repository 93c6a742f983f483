#![doc = include_str!("../README.md")]

mod enter;
mod event;
pub mod topology;

pub use enter::{Enter, MessageType};
pub use event::{Admitted, BLIND_EVERY, BLIND_FOR, Event, TicketLeft};
