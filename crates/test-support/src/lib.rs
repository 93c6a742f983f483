#![doc = include_str!("../README.md")]

mod database;
mod poll;
mod process;
mod proxy;
mod rabbit;
mod redis;
mod tool;

pub use database::TestDatabase;
pub use poll::eventually;
pub use process::{Process, binary, free_port};
pub use proxy::TcpProxy;
pub use rabbit::{RabbitServer, TestVhost};
pub use redis::RedisServer;
