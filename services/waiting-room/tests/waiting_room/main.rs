//! The waiting-room service over HTTP, on the embedded store and on a real Redis.

/// Runs each test on both stores.
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
mod concurrency;
mod guests;
mod lines;
mod standings;
