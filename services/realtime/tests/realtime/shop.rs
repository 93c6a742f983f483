//! A shop in which member `a` holds a seat of `c` and has bought another, and which does not answer about `silent`.

use axum::{Json, extract::Path, http::StatusCode, response::IntoResponse};
use serde_json::json;
use sunbeon_chassis::Member;
use sunbeon_test_support::Server;
use utoipa_axum::router::OpenApiRouter;

pub(crate) async fn start() -> Server {
    let mine = async |member: Member, Path(concert): Path<String>| {
        if member.id.as_str() != "a" || concert != "c" {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let seats = json!([
            {"seatId": "c.R.1.1", "state": "HELD", "holdEndsAt": "2026-11-20T05:10:00.000Z"},
            {"seatId": "c.R.1.2", "state": "SOLD"},
        ]);
        let data = json!({"concertId": concert, "seats": seats});
        Json(json!({"message": "", "data": data, "status": 200})).into_response()
    };
    let path = "/v2/concerts/{concertId}/seats/mine";
    Server::of("shop", &[], |auth| {
        OpenApiRouter::new()
            .route(path, axum::routing::get(mine))
            .layer(auth.members())
    })
    .await
}
