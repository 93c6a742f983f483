//! Guests: who can become one, and where they may line up.

use std::time::Duration;

use serde_json::{Value, json};
use sunbeon_test_support::{
    Answer, Method,
    access::{in_seconds, signed},
    eventually, send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    where_only_members_line_up_a_guest_is_refused_and_nothing_changes,
    a_guest_who_has_a_place_keeps_it_when_guests_are_no_longer_let_in,
    guest_tokens_are_limited_per_address_and_hour,
    a_browser_stays_the_guest_that_it_is,
);

/// Three new guests an hour from an address that a proxy reports.
const THREE_GUESTS: [(&str, &str); 3] = [
    ("SUNBEON__LIMITS__GUESTS_PER_HOUR", "3"),
    ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "0"),
    ("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.1"),
];
const HOME: &str = "203.0.113.7";

/// Returns a new guest's token.
async fn guest(app: &App, id: &str) -> String {
    let answer = app.api.guest(id).await;
    answer.data(201)["token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

async fn enter(app: &App, id: &str, token: &str) -> Answer {
    let body = json!({"concertId": id});
    app.api
        .post_json("/v2/waiting-room/enter", token, &body)
        .await
}

async fn create(app: &App, id: &str) {
    let fields = json!({"identity": "guest", "autoOpen": false});
    app.stage.create(id, fields).await;
}

async fn where_only_members_line_up_a_guest_is_refused_and_nothing_changes(app: App) {
    create(&app, "guests").await;
    app.stage.create("members", json!({"mode": "off"})).await;
    app.api.guest("members").await.fails("GUESTS_NOT_ALLOWED");
    app.api.guest("nowhere").await.fails("CONCERT_NOT_FOUND");
    app.api.guest("a b").await.fails("INVALID_CONCERT_ID");
    for (body, code) in [
        (json!({}), "INVALID_CONCERT_ID"),
        (json!([]), "INVALID_BODY"),
        (json!({"concertId": "guests", "more": 1}), "INVALID_BODY"),
    ] {
        let path = "/v2/waiting-room/guest";
        app.api.post_json(path, "", &body).await.fails(code);
    }
    let token = guest(&app, "guests").await;
    let before = app.api.line("members").await;
    enter(&app, "members", &token)
        .await
        .fails("GUESTS_NOT_ALLOWED");
    assert_eq!(app.api.line("members").await, before);
    let status = app.api.get("/v2/waiting-room/status/members", &token).await;
    assert_eq!(status.data(200)["status"], "NOT_IN_QUEUE");
    // A login's token cannot make anybody a guest.
    let claims = json!({"sub": "guest:1", "exp": in_seconds(60)});
    let forged = signed(&claims);
    enter(&app, "guests", &forged)
        .await
        .fails("UNAUTHENTICATED");
}

async fn a_guest_who_has_a_place_keeps_it_when_guests_are_no_longer_let_in(app: App) {
    create(&app, "c").await;
    let token = guest(&app, "c").await;
    let entered = enter(&app, "c", &token).await.data(201).clone();
    let late = guest(&app, "c").await;
    let change = json!({"identity": "member"});
    app.stage.change("c", change).await;
    let again = enter(&app, "c", &token).await;
    let standing: &Value = again.fails("ALREADY_IN_QUEUE");
    assert_eq!(standing["entryNumber"], entered["entryNumber"]);
    enter(&app, "c", &late).await.fails("GUESTS_NOT_ALLOWED");
    // What is shown may be a little older than what decides.
    eventually(Duration::from_secs(60), "no more guests", async || {
        app.api.guest("c").await.status == 403
    })
    .await;
    app.api.guest("c").await.fails("GUESTS_NOT_ALLOWED");
    assert_eq!(app.api.line("c").await["totals"]["joined"], 1);
}

/// Asks for a guest token through a proxy that reports the client's address.
async fn guest_at(app: &App, address: &str) -> Answer {
    let request = app
        .api
        .request(Method::POST, "/v2/waiting-room/guest", "")
        .header("X-Forwarded-For", address);
    send(request.json(&json!({"concertId": "c"}))).await
}

async fn guest_tokens_are_limited_per_address_and_hour(app: App) {
    let app = app.with(&THREE_GUESTS).await;
    create(&app, "c").await;
    for [first, second, third, fourth] in [
        [HOME; 4],
        [
            "2001:db8:1:2::1",
            "2001:db8:1:2::2",
            "2001:db8:1:2:3::",
            "2001:db8:1:2:f::f",
        ],
    ] {
        for address in [first, second, third] {
            guest_at(&app, address).await.data(201);
        }
        let refused = guest_at(&app, fourth).await;
        let wait: u32 = refused.header("retry-after").parse().expect("seconds");
        assert!((60..=1200).contains(&wait), "{wait}");
        refused.fails("TOO_MANY_REQUESTS");
    }
    for address in ["203.0.113.8", "2001:db8:1:3::1"] {
        guest_at(&app, address).await.data(201);
    }
    assert_eq!(app.api.line("c").await["guestsRefused"], 2);
}

/// Asks for a guest token as a browser of [`HOME`] with this cookie does, on a page of such a site.
async fn guest_by_cookie(app: &App, site: &str, cookie: &str) -> Answer {
    let request = app
        .api
        .request(Method::POST, "/v2/waiting-room/guest", "")
        .header("X-Forwarded-For", HOME)
        .header("Sec-Fetch-Site", site)
        .header("Cookie", format!("sunbeon-guest={cookie}"));
    send(request.json(&json!({"concertId": "c"}))).await
}

async fn a_browser_stays_the_guest_that_it_is(app: App) {
    let app = app.with(&THREE_GUESTS).await;
    create(&app, "c").await;
    let first = guest_at(&app, HOME).await.data(201).clone();
    let token = first["token"].as_str().expect("a token");
    enter(&app, "c", token).await.data(201);
    for _load in 0..5 {
        let again = guest_by_cookie(&app, "same-origin", token).await;
        assert_eq!(again.data(201), &first, "which counts against no limit");
        let kept = again.header("set-cookie").to_owned();
        assert!(kept.starts_with(&format!("sunbeon-guest={token};")));
    }
    // Neither another site's page nor a forged cookie is told anything of a guest.
    for (site, cookie) in [("cross-site", token), ("same-origin", "forged")] {
        let other = guest_by_cookie(&app, site, cookie).await;
        assert_ne!(other.data(201)["memberId"], first["memberId"], "{site}");
    }
    guest_at(&app, HOME).await.fails("TOO_MANY_REQUESTS");
}
