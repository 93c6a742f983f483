//! The shop's pages: the list of concerts, a concert, and my bookings.

mod bookings;
mod concert;
mod list;
mod problem;
mod visitor;

use axum::{Router, middleware::from_fn, routing::get};
use sunbeon_chassis::Auth;
use sunbeon_domain::UnixMs;
use sunbeon_pages::{Page, assets, compressed};
use sunbeon_tokens::unix_now;

pub(crate) use self::visitor::Demo;
use crate::{Shop, routes};

/// The prefix of the pages' styles and scripts.
const ASSETS: &str = "/shop/assets";

/// Returns the pages. Everybody may see them; a concert's is behind the gate.
pub(crate) fn router(shop: &Shop, auth: &Auth) -> Router {
    let gated = Router::new()
        .route("/concerts/{concertId}", get(concert::page))
        .layer(shop.gate.layer(routes::visit));
    let pages = Router::new()
        .route("/", get(list::page))
        .route("/bookings", get(bookings::page))
        .merge(gated)
        .layer(auth.visitors())
        .layer(from_fn(problem::readable));
    compressed(pages)
        .merge(assets(ASSETS).layer(auth.anyone()))
        .with_state(shop.clone())
}

/// Returns the shop's page of this name.
const fn page(name: &'static str) -> Page {
    Page {
        name,
        assets: ASSETS,
    }
}

/// The time by this machine's clock. It decides what a page says, and nothing else.
fn now() -> UnixMs {
    UnixMs(unix_now().saturating_mul(1_000))
}
