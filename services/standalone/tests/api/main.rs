//! All of Sunbeon over HTTP: each test has its own `sunbeon` process.

/// Runs each test on the embedded backends and on a real Redis, RabbitMQ and PostgreSQL.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        sunbeon_test_support::on_each! {
            ($($test),*)
            embedded: crate::app::App::embedded(),
            real: crate::app::App::real(),
        }
    };
}

mod app;
mod audit;
mod bodies;
mod command;
mod concerts;
mod demo;
mod documents;
mod fields;
mod front_door;
mod guests;
mod ids;
mod lifecycle;
mod manual;
mod members;
mod metrics;
mod openapi;
mod opening;
mod process;
mod recipes;
mod routes;
mod shop;
mod tokens;
mod walk;
mod words;
