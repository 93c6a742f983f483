//! The whole of Sunbeon over HTTP: each test has its own `sunbeon` process.

/// Runs each test on the embedded backends and on a real Redis, RabbitMQ and PostgreSQL.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::app::App::embedded().await).await;
            })*
        }
        mod real {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::app::App::real().await).await;
            })*
        }
    };
}

mod answer;
mod app;
mod audit;
mod bodies;
mod concerts;
mod concurrency;
mod documents;
mod fields;
mod front_door;
mod gate_routes;
mod guests;
mod ids;
mod lifecycle;
mod manual;
mod metrics;
mod open_house;
mod operators;
mod process;
mod recipes;
mod routes;
mod shop;
mod tokens;
mod walk;
mod words;
