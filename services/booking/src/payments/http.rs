//! A payment provider over HTTP. The crate's documentation describes the protocol.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Charged, NotRefunded, PaymentPort, Refund};
use crate::stock::Charge;

/// The section `[booking.payments.http]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider's base address.
    pub url: String,
    /// The time limit of every call.
    #[serde(default = "ten_seconds")]
    pub timeout_ms: u64,
}

fn ten_seconds() -> u64 {
    10_000
}

/// Why a provider cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProvider {
    /// The URL is neither `http://` nor `https://`.
    #[error("SUNBEON__BOOKING__PAYMENTS__HTTP__URL must be an http:// or https:// address")]
    Url,
    /// A member would wait longer than a request may take.
    #[error("SUNBEON__BOOKING__PAYMENTS__HTTP__TIMEOUT_MS must be from 1 to 12,000")]
    Timeout,
    /// The system has no TLS.
    #[error("could not set up the HTTP client")]
    Http(#[source] reqwest::Error),
}

/// A payment provider over HTTP.
#[derive(Debug, Clone)]
pub struct HttpPayments {
    http: Client,
    url: String,
}

impl HttpPayments {
    /// Creates the client, without making any requests yet.
    pub fn new(settings: &Settings) -> Result<Self, InvalidProvider> {
        let url = settings.url.trim_end_matches('/');
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(InvalidProvider::Url);
        }
        if !(1..=12_000).contains(&settings.timeout_ms) {
            return Err(InvalidProvider::Timeout);
        }
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_millis(settings.timeout_ms))
            .build()
            .map_err(InvalidProvider::Http)?;
        let url = url.to_owned();
        Ok(Self { http, url })
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> reqwest::Result<Response> {
        let request = self.http.post(format!("{}{path}", self.url));
        request
            .header("Idempotency-Key", key)
            .json(body)
            .send()
            .await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payment {
    payment_id: String,
}

/// Interprets the answer to a charge or a void.
async fn charged(answer: reqwest::Result<Response>) -> Charged {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let error = error.without_url();
            tracing::debug!(%error, "the payment provider did not answer; asking again later");
            return Charged::Unknown;
        }
    };
    match answer.status() {
        StatusCode::OK | StatusCode::CREATED => match answer.json::<Payment>().await {
            Ok(Payment { payment_id }) => Charged::Paid { payment_id },
            Err(_) => Charged::Unknown,
        },
        StatusCode::PAYMENT_REQUIRED => Charged::Declined,
        status => {
            tracing::warn!(%status, "unexpected answer from the payment provider; asking again later");
            Charged::Unknown
        }
    }
}

#[async_trait]
impl PaymentPort for HttpPayments {
    async fn charge(&self, charge: &Charge) -> Charged {
        let body = json!({
            "amount": charge.amount,
            "currency": "KRW",
            "paymentToken": charge.payment_token.expose_secret(),
            "bookingId": charge.booking_id,
        });
        charged(self.post("/charges", &charge.key, &body).await).await
    }

    async fn void(&self, key: &str) -> Charged {
        charged(self.post("/voids", key, &json!({})).await).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded> {
        let body = json!({ "paymentId": refund.payment_id, "amount": refund.amount });
        let key = format!("refund-{}", refund.key);
        match self.post("/refunds", &key, &body).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(NotRefunded::Refused(answer.status().as_u16())),
            Err(_) => Err(NotRefunded::Unanswered),
        }
    }
}
