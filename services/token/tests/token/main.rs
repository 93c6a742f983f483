//! The token service over HTTP, on the embedded store and on a real Redis.

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
mod booking_tokens;
mod gate_routes;
mod open_house;
