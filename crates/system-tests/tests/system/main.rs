//! The services as processes on real servers.

mod backup;
mod database;
mod frozen;
mod handover;
mod line;
mod messages;
mod opening;
mod rabbitmq;
mod redis;
mod rehearse;
mod rolling;
