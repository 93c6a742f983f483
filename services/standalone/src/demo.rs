//! The demo sale: four concerts with stock, a crowd, and the commands to paste.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::Client;
use serde_json::{Value, json};
use sunbeon_client::{Caller, Error, Sunbeon, SunbeonUrl};
use sunbeon_domain::ConcertId;
use sunbeon_load::crowd::Demo;
use tokio_util::sync::CancellationToken;

/// Creates the demo concerts through the API, prints a walkthrough, and lets the crowd in until
/// `shutdown` is cancelled.
pub(crate) async fn run(
    address: SocketAddr,
    access: impl Fn(&str, bool) -> String + Send + Sync + 'static,
    fans: u16,
    shutdown: CancellationToken,
) {
    let url = format!("http://{address}");
    let front_door = SunbeonUrl::of(address);
    let (me, admin) = (access("me", false), access("demo-admin", true));
    let created = shutdown.run_until_cancelled(create_sales(&front_door, &admin));
    match created.await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::error!(
                error = format!("{error:#}"),
                "could not create the demo sale; continuing without it"
            );
            return;
        }
        None => return,
    }
    print!("{}", walk(&url, &me, &admin, fans));
    let concert_ids = sales().map(|(id, _, _)| ConcertId::parse(id).expect("a valid id"));
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

/// Returns the concerts, each with its policy and its stock.
fn sales() -> [(&'static str, Value, Value); 4] {
    [
        (
            "demo",
            json!({"title": "데모 콘서트 Demo concert", "mode": "queue", "groupSize": 7,
                "entryIntervalSeconds": 5}),
            json!({"perMemberLimit": 4, "sections": [
                {"section": "R", "price": 150_000, "rows": 10, "seatsPerRow": 20},
                {"section": "S", "price": 110_000, "rows": 10, "seatsPerRow": 20},
            ], "tickets": [
                {"ticketId": "standing", "name": "스탠딩 Standing", "price": 99_000, "quantity": 20_000},
            ]}),
        ),
        (
            "walk-in",
            // One in ten of the crowd does not respond when called, so their slot must become free
            // soon.
            json!({"title": "20명씩 입장 Twenty at a time", "mode": "threshold", "maxActive": 20,
                "groupSize": 5, "entryIntervalSeconds": 1, "readyTtlSeconds": 60, "idleShopSeconds": 30}),
            json!({"perMemberLimit": 2, "sections": [
                {"section": "A", "price": 70_000, "rows": 10, "seatsPerRow": 20},
            ], "tickets": [
                {"ticketId": "standing", "name": "스탠딩 Standing", "price": 50_000, "quantity": 20_000},
            ]}),
        ),
        (
            "open-house",
            json!({"title": "대기 없는 콘서트 No line", "mode": "off"}),
            json!({"perMemberLimit": 4, "tickets": [
                {"ticketId": "day", "name": "1일권 Day ticket", "price": 20_000, "quantity": 100_000},
            ]}),
        ),
        // Some get straight in and the rest line up, with or without a login.
        (
            "train",
            json!({"title": "명절 기차표 Holiday train", "mode": "threshold", "maxActive": 30,
                "groupSize": 10, "entryIntervalSeconds": 1, "readyTtlSeconds": 60,
                "identity": "guest"}),
            json!({"perMemberLimit": 2, "tickets": [
                {"ticketId": "seoul-busan", "name": "서울-부산 Seoul-Busan", "price": 59_800,
                    "quantity": 100_000},
            ]}),
        ),
    ]
}

/// Creates the concerts and puts them on sale. Concerts that an earlier run left in a data folder
/// are kept.
async fn create_sales(url: &SunbeonUrl, admin: &str) -> anyhow::Result<()> {
    let http = Client::builder().no_proxy().build()?;
    let admin = Sunbeon::with_http(url, http).by(admin);
    for (id, mut concert, stock) in sales() {
        concert["concertId"] = id.into();
        let id = ConcertId::parse(id)?;
        while !is_on_sale(&admin, &id, &concert, &stock).await? {
            // The database is not up yet; /health shows that.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    Ok(())
}

/// Tries to put a concert on sale. Returns `false` if a dependency is down.
async fn is_on_sale(
    admin: &Caller,
    id: &ConcertId,
    concert: &Value,
    stock: &Value,
) -> Result<bool, Error> {
    let created = admin.create_concert(concert).await.map(drop);
    let done = match created {
        Err(error) if error.status() != Some(409) => Err(error),
        _ => admin.put_stock(id, stock).await,
    };
    match done.map_err(|error| (error.status(), error)) {
        Ok(()) | Err((Some(409), _)) => Ok(true),
        Err((Some(503), _)) => Ok(false),
        Err((_, error)) => Err(error),
    }
}

/// Returns the commands to paste into another terminal.
fn walk(url: &str, me: &str, admin: &str, fans: u16) -> String {
    include_str!("walk.txt")
        .replace("{URL}", url)
        .replace("{ME}", me)
        .replace("{ADMIN}", admin)
        .replace("{FANS}", &fans.to_string())
}
