//! People without a login.

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{
    Answer,
    access::{admin, member},
    send,
};

use crate::app::App;

sunbeon_test_support::on_both!(a_guest_walks_from_the_line_to_the_booking_token_and_out);

async fn ask(app: &App, id: &str) -> Answer {
    let body = json!({"concertId": id});
    app.post_json("/v2/waiting-room/guest", "", &body).await
}

/// Returns a new guest's id and token.
async fn guest(app: &App, id: &str) -> (String, String) {
    let answer = ask(app, id).await;
    let data = answer.data(201);
    let text = |field: &str| data[field].as_str().expect("a text").to_owned();
    (text("memberId"), text("token"))
}

async fn enter(app: &App, id: &str, token: &str) -> Answer {
    let body = json!({"concertId": id});
    app.post_json("/v2/waiting-room/enter", token, &body).await
}

async fn create(app: &App, id: &str) {
    let fields = json!({"identity": "guest", "autoOpen": false});
    app.create(id, fields).await;
}

async fn a_guest_walks_from_the_line_to_the_booking_token_and_out(app: App) {
    create(&app, "c").await;
    let answer = ask(&app, "c").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let data = answer.data(201);
    let fields: Vec<_> = data.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["expiresAt", "memberId", "token"]);
    let (id, token) = guest(&app, "c").await;
    assert!(id.starts_with("guest:"), "{id}");
    assert_ne!(data["memberId"], id.as_str(), "each is another");

    let number = enter(&app, "c", &token).await.data(201)["entryNumber"].clone();
    enter(&app, "c", &token).await.fails("ALREADY_IN_QUEUE");
    app.enter("c", "member").await.data(201);
    app.open("c", 1).await.data(200);
    let path = format!("/v2/admin/concerts/c/members/{id}");
    let ready = async || app.get(&path, &admin()).await.data(200)["status"] == "READY";
    sunbeon_test_support::eventually(std::time::Duration::from_secs(60), "READY", ready).await;
    let issued = app.get("/v2/reservation/token/c", &token).await;
    assert_eq!(issued.data(200)["entryNumber"], number);
    let booking_token = issued.data(200)["token"].as_str().expect("a token");
    let with = |method, path: &str, token: &str| {
        let request = app.request(method, path, token);
        send(request.header("X-Queue-Token", booking_token))
    };
    let verify = "/v2/reservation/verify?concertId=c";
    let verified = with(Method::GET, verify, &token).await;
    assert_eq!(
        (verified.status, verified.header("x-member-id")),
        (204, id.as_str())
    );
    let (_, another) = guest(&app, "c").await;
    assert_eq!(with(Method::GET, verify, &another).await.status, 403);
    assert_eq!(
        with(Method::GET, verify, &member("member")).await.status,
        403
    );
    app.get("/v2/admin/concerts", &token)
        .await
        .fails("FORBIDDEN");
    with(Method::POST, "/v2/reservation/complete/c", &token)
        .await
        .data(200);
    let status = app.get("/v2/waiting-room/status/c", &token).await;
    assert_eq!(status.data(200)["status"], "NOT_IN_QUEUE");
}
