//! The few routes of a shop that a crowd uses.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::HeaderMap,
    routing::{delete, get, post},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    State,
    routes::{Refused, Reply, member, ok},
};

const NOW: &str = "2026-11-20T05:00:00.000Z";

/// The crowd's purchases in the shop.
#[derive(Default)]
pub(crate) struct Till {
    pub(crate) released: AtomicUsize,
    pub(crate) paid: AtomicUsize,
    pub(crate) declined: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
    /// The concert of each booking.
    booked: Mutex<Vec<String>>,
}

impl Till {
    fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) fn router() -> Router<State> {
    Router::new()
        .route("/v2/concerts/{concert}/seats", get(seats))
        .route("/v2/seats/lock", post(lock).delete(release))
        .route("/v2/bookings", post(book))
        .route("/v2/bookings/{booking}/confirm", post(confirm))
        .route("/v2/bookings/{booking}", delete(cancel))
}

/// Lets only requests with a booking token through.
fn gate(headers: &HeaderMap) -> Result<String, Refused> {
    match headers.contains_key("x-queue-token") {
        true => member(headers),
        false => Err(Refused(403, "QUEUE_TOKEN_REQUIRED")),
    }
}

async fn seats(headers: HeaderMap) -> Reply {
    gate(&headers)?;
    let seats: Vec<_> = (1..=20)
        .map(|n| {
            json!({"seatId": format!("demo.A.1.{n}"), "section": "A", "row": 1, "number": n,
            "price": 1000, "state": "AVAILABLE"})
        })
        .collect();
    Ok(ok(
        200,
        json!({"concertId": "demo", "at": NOW, "seats": seats}),
    ))
}

async fn lock(headers: HeaderMap, Json(body): Json<Value>) -> Reply {
    gate(&headers)?;
    let seats = &body["seatIds"];
    Ok(ok(200, json!({"seatIds": seats, "holdEndsAt": NOW})))
}

async fn release(Shared(state): Shared<State>, headers: HeaderMap) -> Reply {
    gate(&headers)?;
    Till::count(&state.till.released);
    Ok(ok(200, json!({})))
}

async fn book(Shared(state): Shared<State>, headers: HeaderMap, Json(body): Json<Value>) -> Reply {
    gate(&headers)?;
    let seat = body["seatIds"][0].as_str().unwrap_or_default();
    let concert = seat.split('.').next().unwrap_or_default();
    let mut booked = state.till.booked.lock().unwrap();
    booked.push(concert.to_owned());
    let id = Uuid::from_u128(booked.len() as u128 - 1);
    Ok(ok(201, booking(id, concert, "PENDING")))
}

fn booking(id: Uuid, concert: &str, state: &str) -> Value {
    json!({"bookingId": id, "concertId": concert, "state": state, "amount": 1000, "seats": [],
        "tickets": [], "createdAt": NOW, "expiresAt": NOW})
}

async fn confirm(
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Reply {
    let member = gate(&headers)?;
    if body["paymentToken"] == "decline" {
        Till::count(&state.till.declined);
        return Err(Refused(402, "PAYMENT_DECLINED"));
    }
    let token = headers
        .get("x-queue-token")
        .and_then(|value| value.to_str().ok());
    let concert = state.till.booked.lock().unwrap()[id.as_u128() as usize].clone();
    if let Some(line) = state.lines().get_mut(&concert) {
        line.complete(&member, token);
    }
    Till::count(&state.till.paid);
    Ok(ok(200, booking(id, &concert, "CONFIRMED")))
}

async fn cancel(Shared(state): Shared<State>, headers: HeaderMap) -> Reply {
    member(&headers)?;
    Till::count(&state.till.cancelled);
    Ok(ok(200, json!({})))
}
