//! The operator's side of the HTTP API.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;
use sunbeon_domain::ConcertId;

use crate::{api::at, ledger::Ledger};

/// An operator of one concert.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) client: Client,
    pub(crate) waiting_room: Url,
    pub(crate) reservation_open: Url,
    pub(crate) token: String,
    pub(crate) concert: ConcertId,
}

impl Admin {
    /// Makes the concert.
    pub(crate) async fn create(&self, fields: &Value) -> anyhow::Result<()> {
        let url = at(&self.reservation_open, "v2/admin/concerts");
        self.call(Method::POST, url, Some(fields))
            .await
            .context("could not make the concert")?;
        Ok(())
    }

    /// What operators are shown now.
    pub(crate) async fn ledger(&self) -> anyhow::Result<Ledger> {
        let url = at(
            &self.waiting_room,
            &format!("v2/waiting-room/admin/{}", self.concert),
        );
        let answer = self
            .call(Method::GET, url, None)
            .await
            .context("could not read the line")?;
        match Ledger::read(&answer["data"]) {
            Ok(ledger) => Ok(ledger),
            Err(name) => bail!("the line that operators are shown lacks {name:?}"),
        }
    }

    /// Closes the concert and deletes it. While somebody is inside, which the last slots are for
    /// some seconds after `complete`, it cannot be deleted: then it is left closed. Says which.
    pub(crate) async fn close_and_delete(&self, patience: Duration) -> anyhow::Result<bool> {
        let concert = at(
            &self.reservation_open,
            &format!("v2/admin/concerts/{}", self.concert),
        );
        self.call(Method::POST, format!("{concert}/close"), None)
            .await
            .context("could not close the concert")?;
        let give_up = tokio::time::Instant::now() + patience;
        loop {
            let response = self.send(Method::DELETE, concert.clone(), None).await?;
            match response.status() {
                status if status.is_success() => return Ok(true),
                StatusCode::CONFLICT if tokio::time::Instant::now() < give_up => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                StatusCode::CONFLICT => return Ok(false),
                status => bail!("could not delete the concert: {status}"),
            }
        }
    }

    async fn call(
        &self,
        method: Method,
        url: String,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let response = self.send(method, url, body).await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        bail!(
            "{status} {}",
            answer["code"].as_str().unwrap_or("WITHOUT_CODE")
        )
    }

    async fn send(
        &self,
        method: Method,
        url: String,
        body: Option<&Value>,
    ) -> anyhow::Result<reqwest::Response> {
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.context("no answer")
    }
}
