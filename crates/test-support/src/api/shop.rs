//! The requests of gates, origins and the shop's customers.

use std::net::IpAddr;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Api, QUEUE_TOKEN, send};
use crate::access::{ORIGIN_TOKEN, admin, member};

/// The gated routes of the shop, for the concert `rock` and the booking `{bookingId}`.
pub const GATED_ROUTES: [(Method, &str); 7] = [
    (Method::GET, "/v2/concerts/rock"),
    (Method::GET, "/v2/concerts/rock/tickets"),
    (Method::GET, "/v2/concerts/rock/seats"),
    (Method::POST, "/v2/seats/lock"),
    (Method::DELETE, "/v2/seats/lock"),
    (Method::POST, "/v2/bookings"),
    (Method::POST, "/v2/bookings/{bookingId}/confirm"),
];

impl Api {
    /// Asks whether a member with a booking token may pass, as a proxy does.
    pub async fn verify(&self, concert: &str, who: &str, booking_token: &str) -> Answer {
        let path = format!("/v2/reservation/verify?concertId={concert}");
        send(self.inside(who, booking_token, Method::GET, &path)).await
    }

    /// Requests the sessions of a concert that ended early, from this cursor on unless it is empty.
    pub async fn revoked(&self, concert: &str, after: &str) -> Answer {
        let path = format!("/v2/reservation/revoked/{concert}");
        let query = if after.is_empty() {
            String::new()
        } else {
            format!("?after={after}")
        };
        self.get(&format!("{path}{query}"), ORIGIN_TOKEN).await
    }

    /// Ends a session, as the shop's back end.
    pub async fn complete_session(&self, concert: &str, who: &str, number: u64) -> Answer {
        let path = format!("/v2/reservation/sessions/{concert}/complete");
        let body = json!({"memberId": who, "entryNumber": number});
        self.post_json(&path, ORIGIN_TOKEN, &body).await
    }

    /// Puts seats and tickets on sale.
    pub async fn put_stock(&self, concert: &str, plan: &Value) -> Answer {
        let path = format!("/v2/stock/{concert}");
        self.put_json(&path, &admin(), plan).await
    }

    /// Requests the stock on sale.
    pub async fn stock(&self, concert: &str) -> Answer {
        let path = format!("/v2/stock/{concert}");
        self.get(&path, &admin()).await
    }

    /// Resets a sale.
    pub async fn reset_stock(&self, concert: &str) -> Answer {
        let path = format!("/v2/stock/{concert}/reset");
        self.post(&path, &admin()).await
    }

    /// Requests the seat map.
    pub async fn seats(&self, concert: &str, who: &str, booking_token: &str) -> Answer {
        let path = format!("/v2/concerts/{concert}/seats");
        send(self.inside(who, booking_token, Method::GET, &path)).await
    }

    /// Holds seats.
    pub async fn lock(&self, who: &str, booking_token: &str, seats: &[&str]) -> Answer {
        let request = self.inside(who, booking_token, Method::POST, "/v2/seats/lock");
        send(request.json(&json!({"seatIds": seats}))).await
    }

    /// Releases seats.
    pub async fn unlock(&self, who: &str, booking_token: &str, seats: &[&str]) -> Answer {
        let request = self.inside(who, booking_token, Method::DELETE, "/v2/seats/lock");
        send(request.json(&json!({"seatIds": seats}))).await
    }

    /// Books `seatIds`, `tickets`, or both.
    pub async fn book(&self, who: &str, booking_token: &str, what: &Value) -> Answer {
        let request = self.inside(who, booking_token, Method::POST, "/v2/bookings");
        send(request.json(what)).await
    }

    /// Pays for a booking.
    pub async fn confirm(&self, who: &str, booking_token: &str, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}/confirm");
        let request = self.inside(who, booking_token, Method::POST, &path);
        send(request.json(&json!({"paymentToken": "card"}))).await
    }

    /// Requests a member's bookings.
    pub async fn bookings(&self, who: &str) -> Answer {
        self.get("/v2/bookings", &member(who)).await
    }

    /// Cancels a booking.
    pub async fn cancel(&self, who: &str, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}");
        self.delete(&path, &member(who)).await
    }

    /// Requests any route of the shop. An empty `who` or booking token is left out.
    pub async fn shop(
        &self,
        method: Method,
        path: &str,
        who: &str,
        booking_token: &str,
        body: &Value,
    ) -> Answer {
        let request = self.inside(who, booking_token, method.clone(), path);
        if method == Method::GET {
            send(request).await
        } else {
            send(request.json(body)).await
        }
    }

    /// Requests the public list of concerts from an address of this machine, claiming to come
    /// through proxies.
    ///
    /// # Panics
    /// If the HTTP client cannot be created.
    pub async fn main_page(&self, from: [u8; 4], forwarded_for: &str) -> Answer {
        let bound = Client::builder().local_address(IpAddr::from(from));
        let http = bound
            .no_proxy()
            .build()
            .expect("could not create an HTTP client");
        let request = http.get(format!("{}/v2/concerts", self.url()));
        send(request.header("X-Forwarded-For", forwarded_for)).await
    }

    fn inside(&self, who: &str, booking_token: &str, method: Method, path: &str) -> RequestBuilder {
        let access = match who {
            "" => String::new(),
            who => member(who),
        };
        let request = self.request(method, path, &access);
        if booking_token.is_empty() {
            request
        } else {
            request.header(QUEUE_TOKEN, booking_token)
        }
    }
}
