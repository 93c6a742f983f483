//! The demo sale: four concerts with something to sell, a crowd, and the lines to paste.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
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
    let created = shutdown.run_until_cancelled(create_sales(&url, &admin));
    match created.await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the demo sale could not be created"
            );
            return;
        }
        None => return,
    }
    print!("{}", walk(&url, &me, &admin, fans));
    let concert_ids = sales().map(|(id, _, _)| ConcertId::parse(id).expect("a good id"));
    let tokens = Arc::new(move |member: &str| access(member, false));
    Demo {
        base_url: url,
        concert_ids: concert_ids.into(),
        fans: fans.into(),
        tokens,
    }
    .run(shutdown)
    .await;
}

/// The concerts, each with its policy and what is on sale.
fn sales() -> [(&'static str, Value, Value); 4] {
    [
        (
            "demo",
            json!({"title": "데모 콘서트", "mode": "queue", "groupSize": 20,
                "entryIntervalSeconds": 5}),
            json!({"perMemberLimit": 4, "sections": [
                {"section": "R", "price": 150_000, "rows": 10, "seatsPerRow": 20},
                {"section": "S", "price": 110_000, "rows": 10, "seatsPerRow": 20},
            ], "tickets": [
                {"ticketId": "standing", "name": "스탠딩", "price": 99_000, "quantity": 20_000},
            ]}),
        ),
        (
            "walk-in",
            // One in ten of the crowd does not come when called: the slot is soon free again.
            json!({"title": "바로 입장 콘서트", "mode": "threshold", "maxActive": 20,
                "groupSize": 5, "entryIntervalSeconds": 1, "readyTtlSeconds": 60}),
            json!({"perMemberLimit": 2, "sections": [
                {"section": "A", "price": 70_000, "rows": 10, "seatsPerRow": 20},
            ], "tickets": [
                {"ticketId": "standing", "name": "스탠딩", "price": 50_000, "quantity": 20_000},
            ]}),
        ),
        (
            "open-house",
            json!({"title": "대기 없는 콘서트", "mode": "off"}),
            json!({"perMemberLimit": 4, "tickets": [
                {"ticketId": "day", "name": "1일권", "price": 20_000, "quantity": 100_000},
            ]}),
        ),
        // As many as there are places get in at once, the rest line up, with or without a login.
        (
            "train",
            json!({"title": "명절 기차표", "mode": "threshold", "maxActive": 30,
                "groupSize": 10, "entryIntervalSeconds": 1, "readyTtlSeconds": 60,
                "identity": "guest"}),
            json!({"perMemberLimit": 2, "tickets": [
                {"ticketId": "seoul-busan", "name": "서울-부산", "price": 59_800,
                    "quantity": 100_000},
            ]}),
        ),
    ]
}

/// What is there from an earlier run, in a data folder, stays as it is.
async fn create_sales(url: &str, admin: &str) -> anyhow::Result<()> {
    let client = Client::builder().no_proxy().build()?;
    for (id, mut concert, stock) in sales() {
        concert["concertId"] = id.into();
        let made = [
            (Method::POST, "/v2/admin/concerts".to_owned(), concert),
            (Method::PUT, format!("/v2/stock/{id}"), stock),
        ];
        for (method, path, body) in made {
            let answer = loop {
                let request = client.request(method.clone(), format!("{url}{path}"));
                let request = request.bearer_auth(admin).json(&body);
                let answer = request.send().await.context("no answer")?;
                if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
                    break answer;
                }
                // The database is not there yet; /health says so.
                tokio::time::sleep(Duration::from_secs(1)).await;
            };
            let status = answer.status();
            ensure!(
                status.is_success() || status == StatusCode::CONFLICT,
                "{path}: {status}: {}",
                answer.text().await.unwrap_or_default()
            );
        }
    }
    Ok(())
}

/// What to paste into another terminal.
fn walk(url: &str, me: &str, admin: &str, fans: u16) -> String {
    include_str!("walk.txt")
        .replace("{URL}", url)
        .replace("{ME}", me)
        .replace("{ADMIN}", admin)
        .replace("{FANS}", &fans.to_string())
}
