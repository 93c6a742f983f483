#![doc = include_str!("../README.md")]

#[cfg(feature = "api")]
pub mod access;
#[cfg(feature = "api")]
mod api;
mod database;
mod golden;
mod poll;
mod process;
mod proxy;
mod rabbit;
mod redis;
mod redis_cluster;
mod redis_sentinels;
#[cfg(feature = "api")]
mod server;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "stage")]
mod stage;
mod tool;

#[cfg(feature = "api")]
pub use api::{
    Answer, Api, Browser, DocumentedFailure, GATED_ROUTES, InLine, Line, Seen, documented_failures,
    send,
};
pub use database::TestDatabase;
pub use golden::pinned;
pub use poll::eventually;
pub use process::{Process, binary, free_port};
pub use proxy::TcpProxy;
pub use rabbit::{RabbitServer, TestVhost};
pub use redis::RedisServer;
pub use redis_cluster::RedisCluster;
pub use redis_sentinels::RedisSentinels;
#[cfg(feature = "api")]
pub use reqwest::{Method, RequestBuilder};
#[cfg(feature = "api")]
pub use server::Server;
#[cfg(feature = "stage")]
pub use stage::Stage;

/// Runs each test once per backend, in that backend's module and with its world.
///
/// ```ignore
/// sunbeon_test_support::on_each! {
///     (somebody_lines_up, somebody_leaves)
///     embedded: crate::app::App::embedded(),
///     real: crate::app::App::real(),
/// }
///
/// async fn somebody_lines_up(app: App) { … }
/// ```
#[macro_export]
macro_rules! on_each {
    ($tests:tt $($backend:ident: $world:expr),+ $(,)?) => {
        $($crate::on_each! { @one $backend, $world, $tests })+
    };
    (@one $backend:ident, $world:expr, ($($test:ident),* $(,)?)) => {
        mod $backend {
            $(#[tokio::test]
            async fn $test() {
                super::$test($world.await).await;
            })*
        }
    };
}

/// Runs each test on embedded backends and on real servers. The test's crate must have an `app::App`
/// with `embedded()` and `real()`.
#[macro_export]
#[expect(clippy::crate_in_macro_def, reason = "the app is the test's own")]
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        $crate::on_each! {
            ($($test),*)
            embedded: crate::app::App::embedded(),
            real: crate::app::App::real(),
        }
    };
}
