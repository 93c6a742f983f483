//! A shop's back end has its own token.

use std::time::Duration;

use crate::support::{ADMIN_TOKEN, App, ORIGIN_TOKEN, auth, failure};
use serde_json::Value;
use sunbeon_domain::{Code, MemberId};

async fn ask(app: &App, path: &str, token: &str) -> reqwest::Response {
    app.get(path).bearer_auth(token).send().await.unwrap()
}

async fn actor(app: &App, token: &str) -> Value {
    let response = ask(app, "/origin", token).await;
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["data"].clone()
}

fn issued(admin: bool) -> String {
    let id = MemberId::parse("42").unwrap();
    auth()
        .issue(&id, "", admin, Duration::from_secs(60))
        .unwrap()
}

#[tokio::test]
async fn the_origin_token_is_valid_only_on_routes_for_origins() {
    let app = App::default().await;
    assert_eq!(actor(&app, ORIGIN_TOKEN).await, "origin token");
    for path in ["/whoami", "/actor", "/by-proxies"] {
        failure(ask(&app, path, ORIGIN_TOKEN).await, Code::Forbidden, false).await;
    }
}

#[tokio::test]
async fn an_admin_may_act_as_an_origin_and_a_member_may_not() {
    let app = App::default().await;
    assert_eq!(actor(&app, ADMIN_TOKEN).await, "admin token");
    assert_eq!(actor(&app, &issued(true)).await, "42");
    failure(
        ask(&app, "/origin", &issued(false)).await,
        Code::Forbidden,
        false,
    )
    .await;
}

#[tokio::test]
async fn an_almost_right_origin_token_is_refused() {
    let app = App::default().await;
    let longer = format!("{ORIGIN_TOKEN}x");
    for token in ["", "x", &ORIGIN_TOKEN[1..], &ORIGIN_TOKEN[..20], &longer] {
        let response = ask(&app, "/origin", token).await;
        failure(response, Code::Unauthenticated, false).await;
    }
    let response = app.get("/origin").send().await.unwrap();
    failure(response, Code::Unauthenticated, false).await;
}
