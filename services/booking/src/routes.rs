//! The shop's HTTP API.

mod bookings;
mod concerts;
mod confirm;
mod export;
mod fields;
mod inside;
mod list;
mod seats;
mod session;
mod stock;

use axum::middleware::from_fn_with_state;
pub(crate) use inside::{Inside, visit};
use sunbeon_chassis::Auth;
use utoipa_axum::router::OpenApiRouter;

use crate::Shop;

/// Returns all routes, each behind the check for its audience.
pub(crate) fn router(shop: &Shop, auth: &Auth) -> OpenApiRouter {
    let gated = OpenApiRouter::new()
        .merge(concerts::router())
        .merge(seats::router())
        .merge(confirm::router())
        .layer(shop.gate.layer(inside::visit));
    let paid = from_fn_with_state(shop.clone(), confirm::paid_before);
    let confirming = confirm::last_router()
        .layer(shop.gate.layer(inside::visit))
        .layer(paid);
    let members = bookings::router().merge(gated).merge(confirming);
    let admins = stock::router().merge(export::router());
    OpenApiRouter::new()
        .merge(list::router().layer(auth.main_page()))
        .merge(members.layer(auth.members()))
        .merge(admins.layer(auth.admins()))
        .with_state(shop.clone())
}
