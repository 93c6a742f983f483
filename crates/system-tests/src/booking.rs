//! The verbs of guests, of origins, and of the shop.

use std::net::IpAddr;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Answer, Api, ORIGIN_TOKEN, api::send};

const QUEUE_TOKEN: &str = "X-Queue-Token";

impl Api {
    /// A guest token.
    pub async fn guest(&self, concert: &str) -> Answer {
        let request = self.request(Method::POST, "/v2/waiting-room/guest");
        send(request.json(&json!({ "concertId": concert }))).await
    }

    /// Whether a member with a booking token may pass, as a proxy asks.
    pub async fn verify(&self, concert: &str, member: &str, token: &str) -> Answer {
        let path = format!("/v2/reservation/verify?concertId={concert}");
        send(
            self.of(member, Method::GET, &path)
                .header(QUEUE_TOKEN, token),
        )
        .await
    }

    /// The ids of tokens that ended early.
    pub async fn revoked(&self) -> Answer {
        self.get("/v2/reservation/revoked").await
    }

    /// Ends a session, as the shop's back end.
    pub async fn complete_session(&self, concert: &str, member: &str, number: u64) -> Answer {
        let path = format!("/v2/reservation/sessions/{concert}/complete");
        let request = self.request(Method::POST, &path).bearer_auth(ORIGIN_TOKEN);
        send(request.json(&json!({ "memberId": member, "entryNumber": number }))).await
    }

    /// Puts on sale.
    pub async fn put_stock(&self, concert: &str, plan: Value) -> Answer {
        let path = format!("/v2/stock/{concert}");
        send(self.as_admin(Method::PUT, &path).json(&plan)).await
    }

    /// What is on sale, and what is left.
    pub async fn stock(&self, concert: &str) -> Answer {
        let path = format!("/v2/stock/{concert}");
        send(self.as_admin(Method::GET, &path)).await
    }

    /// The seats, as a member inside sees them.
    pub async fn seats(&self, concert: &str, member: &str, token: &str) -> Answer {
        let path = format!("/v2/concerts/{concert}/seats");
        send(self.inside(member, token, Method::GET, &path)).await
    }

    /// Holds seats.
    pub async fn lock(&self, member: &str, token: &str, seats: &[&str]) -> Answer {
        let request = self.inside(member, token, Method::POST, "/v2/seats/lock");
        send(request.json(&json!({ "seatIds": seats }))).await
    }

    /// Gives seats back.
    pub async fn unlock(&self, member: &str, token: &str, seats: &[&str]) -> Answer {
        let request = self.inside(member, token, Method::DELETE, "/v2/seats/lock");
        send(request.json(&json!({ "seatIds": seats }))).await
    }

    /// Books: `seatIds`, `tickets`, or both.
    pub async fn book(&self, member: &str, token: &str, what: Value) -> Answer {
        let request = self.inside(member, token, Method::POST, "/v2/bookings");
        send(request.json(&what)).await
    }

    /// Pays.
    pub async fn confirm(&self, member: &str, token: &str, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}/confirm");
        let request = self.inside(member, token, Method::POST, &path);
        send(request.json(&json!({ "paymentToken": "card" }))).await
    }

    /// A member's bookings.
    pub async fn bookings(&self, member: &str) -> Answer {
        send(self.of(member, Method::GET, "/v2/bookings")).await
    }

    /// Cancels a booking.
    pub async fn cancel(&self, member: &str, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}");
        send(self.of(member, Method::DELETE, &path)).await
    }

    /// Frees everything that is held or sold.
    pub async fn reset_stock(&self, concert: &str) -> Answer {
        let path = format!("/v2/stock/{concert}/reset");
        send(self.as_admin(Method::POST, &path)).await
    }

    /// Any route of the shop, as a member with a booking token; as nobody or without a token where
    /// that is empty.
    pub async fn shop(
        &self,
        method: Method,
        path: &str,
        member: &str,
        token: &str,
        body: &Value,
    ) -> Answer {
        let mut request = match member {
            "" => self.request(method.clone(), path),
            member => self.of(member, method.clone(), path),
        };
        if !token.is_empty() {
            request = request.header(QUEUE_TOKEN, token);
        }
        if method != Method::GET {
            request = request.json(body);
        }
        send(request).await
    }

    /// The public list of concerts, asked for from an address of this machine by somebody who claims
    /// to have come by proxies.
    ///
    /// # Panics
    /// When there can be no HTTP client.
    pub async fn main_page(&self, from: [u8; 4], forwarded_for: &str) -> Answer {
        let http = Client::builder().local_address(IpAddr::from(from));
        let http = http.no_proxy().build().expect("an HTTP client can be made");
        let request = http.get(format!("{}/v2/concerts", self.base));
        send(request.header("X-Forwarded-For", forwarded_for)).await
    }

    fn inside(&self, member: &str, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.of(member, method, path).header(QUEUE_TOKEN, token)
    }
}
