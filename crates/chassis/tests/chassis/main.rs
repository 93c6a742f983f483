//! The common parts of every service, as clients and operators see them.

mod auth;
mod auth_keys;
mod bodies;
mod caching;
mod cookies;
mod drain;
mod dress;
mod envelope;
mod guests;
mod lifecycle;
mod limits;
mod manual;
mod openapi;
mod origins;
mod remote_keys;
mod rounds;
mod settings;
mod slow;
mod support;
mod telemetry;
