//! The reservation-open service over HTTP, on embedded backends and on a real Redis, RabbitMQ and
//! PostgreSQL; and its registry on every database.

mod app;
mod audit;
mod concerts;
mod console;
mod dead_letters;
mod fields;
mod gates;
mod lifecycle;
mod members;
mod one_bad_line;
mod opening;
mod origins;
mod tables;
