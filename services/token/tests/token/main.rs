//! The token service over HTTP, on the embedded store and on a real Redis.

mod app;
mod booking_tokens;
mod feed;
mod form;
mod gate_routes;
mod open_house;
mod stock;
