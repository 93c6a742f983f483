//! The demo sale: three concerts, a crowd, and the lines to paste.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, ensure};
use reqwest::{Client, StatusCode};
use serde_json::json;
use sunbeon_domain::ConcertId;
use sunbeon_load::crowd::Demo;
use tokio_util::sync::CancellationToken;

/// Creates the demo concerts through the API, prints how to walk through them, and lets the crowd
/// in until `shutdown` is cancelled.
pub(crate) async fn run(
    address: SocketAddr,
    access: impl Fn(&str, bool) -> String + Send + Sync + 'static,
    fans: u16,
    shutdown: CancellationToken,
) {
    let url = format!("http://{address}");
    let (me, admin) = (access("me", false), access("demo-admin", true));
    if let Err(error) = create_concerts(&url, &admin).await {
        tracing::error!(
            error = format!("{error:#}"),
            "the demo concerts could not be created"
        );
        return;
    }
    print!("{}", walk(&url, &me, &admin, fans));
    let concert_ids = ["demo", "walk-in", "open-house"];
    let concert_ids = concert_ids
        .map(|id| ConcertId::parse(id).expect("a good id"))
        .into();
    let tokens = Arc::new(move |member: &str| access(member, false));
    Demo {
        base_url: url,
        concert_ids,
        fans: fans.into(),
        tokens,
    }
    .run(shutdown)
    .await;
}

async fn create_concerts(url: &str, admin: &str) -> anyhow::Result<()> {
    let concerts = [
        json!({"concertId": "demo", "title": "데모 콘서트", "mode": "queue", "groupSize": 20,
            "entryIntervalSeconds": 5}),
        json!({"concertId": "walk-in", "title": "바로 입장 콘서트", "mode": "threshold",
            "maxActive": 20, "groupSize": 5, "entryIntervalSeconds": 1}),
        json!({"concertId": "open-house", "title": "대기 없는 콘서트", "mode": "off"}),
    ];
    let client = Client::new();
    for concert in concerts {
        let request = client
            .post(format!("{url}/v2/admin/concerts"))
            .bearer_auth(admin);
        let answer = request.json(&concert).send().await.context("no answer")?;
        let status = answer.status();
        // Kept from an earlier run where there is a data folder.
        let there = status == StatusCode::CREATED || status == StatusCode::CONFLICT;
        ensure!(
            there,
            "{status}: {}",
            answer.text().await.unwrap_or_default()
        );
    }
    Ok(())
}

fn walk(url: &str, me: &str, admin: &str, fans: u16) -> String {
    format!(
        "
Sunbeon (순번) is up on {url}

  OpenAPI   {url}/docs
  metrics   {url}/metrics
  concerts  demo (20 people every 5 seconds), walk-in (20 at once), open-house (no line)
  crowd     {fans} fans come and go by themselves (--fans N)

Walk through the sale in another terminal:

  ME={me}
  ADMIN={admin}

  # line up, then look where you stand until you are READY (under a minute)
  curl -s -X POST {url}/v2/waiting-room/enter -H \"Authorization: Bearer $ME\" -H 'Content-Type: application/json' -d '{{\"concertId\":\"demo\"}}'
  curl -s {url}/v2/waiting-room/status/demo -H \"Authorization: Bearer $ME\"
  # or open a batch by hand
  curl -s -X POST '{url}/v2/reservation/open/demo?batchSize=200' -H \"Authorization: Bearer $ADMIN\"
  # the line as operators see it
  curl -s {url}/v2/waiting-room/admin/demo -H \"Authorization: Bearer $ADMIN\"
  # READY: fetch your booking token (EdDSA; its public key is at {url}/.well-known/jwks.json)
  curl -s {url}/v2/reservation/token/demo -H \"Authorization: Bearer $ME\"

Ctrl-C stops.
"
    )
}
