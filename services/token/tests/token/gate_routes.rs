//! The questions that gates, proxies and shops' back ends ask about sessions.

use std::time::Duration;

use serde_json::{Value, json};
use sunbeon_domain::Status;
use sunbeon_store::Leaving;
use sunbeon_test_support::{
    Answer, Method,
    access::{ADMIN_TOKEN, ORIGIN_TOKEN, admin, claims, in_seconds, member},
    eventually, send,
};

use crate::{app::App, booking_tokens::verified_by_openssl};

sunbeon_test_support::on_both!(
    a_proxy_is_told_who_is_inside_now,
    a_proxy_gets_only_204_401_and_403,
    the_cookie_completes_a_session_as_the_header_does,
    any_valid_cookie_among_several_counts,
    cookies_that_no_longer_let_anybody_in_are_cleared,
    an_origin_completes_exactly_the_session_it_names,
    an_origin_extends_a_session_once,
    malformed_requests_of_an_origin_are_refused,
);

/// Asks as a proxy does, with a booking token unless it is empty.
pub(crate) async fn verify(app: &App, query: &str, token: &str, booking_token: &str) -> Answer {
    let path = format!("/v2/reservation/verify?{query}");
    let mut request = app.api.request(Method::GET, &path, token);
    if !booking_token.is_empty() {
        request = request.header("X-Queue-Token", booking_token);
    }
    send(request).await
}

pub(crate) async fn passes(app: &App, who: &str, booking_token: &str) -> bool {
    let answer = verify(app, "concertId=c", &member(who), booking_token).await;
    if answer.status == 204 {
        assert_eq!(answer.header("x-member-id"), who);
        assert_eq!(answer.text, "");
        return true;
    }
    answer.fails("QUEUE_TOKEN_REQUIRED");
    assert_eq!(answer.header("x-member-id"), "");
    false
}

async fn a_proxy_is_told_who_is_inside_now(app: App) {
    for id in ["c", "d"] {
        app.stage.create_by_hand(id).await;
    }
    let mine = app.inside("c", "a").await;
    let theirs = app.inside("c", "b").await;
    let elsewhere = app.inside("d", "a").await;
    app.stage.enter("c", "waits").await;
    assert!(passes(&app, "a", &mine).await);
    assert!(passes(&app, "b", &theirs).await);
    let cookie = app.api.request(
        Method::GET,
        "/v2/reservation/verify?concertId=c",
        &member("a"),
    );
    let cookie = cookie.header("Cookie", format!("x=y; queue-token-c={mine}"));
    assert_eq!(send(cookie).await.status, 204);
    for (who, token) in [
        ("a", ""),
        ("a", "garbage"),
        ("a", theirs.as_str()),
        ("a", elsewhere.as_str()),
        ("b", mine.as_str()),
        ("waits", mine.as_str()),
        ("waits", ""),
        ("stranger", mine.as_str()),
    ] {
        assert!(!passes(&app, who, token).await, "{who} {token}");
    }
    // Asking does not count as activity and changes nobody's place.
    assert_eq!(app.stage.snapshot("c").await.counts.waiting, 1);

    app.stage.leave("c", "a", Leaving::ByChoice).await;
    assert!(!passes(&app, "a", &mine).await, "at once");
    let again = app.admit("c", "waits").await;
    assert!(passes(&app, "waits", &again).await);
    let second = app.inside("c", "a").await;
    assert!(passes(&app, "a", &second).await);
    assert!(!passes(&app, "a", &mine).await, "of an earlier entry");
    app.stage.leave("c", "a", Leaving::Removed).await;
    assert!(!passes(&app, "a", &second).await);
}

async fn a_proxy_gets_only_204_401_and_403(app: App) {
    app.stage.create_by_hand("c").await;
    let token = app.inside("c", "a").await;
    for query in [
        "",
        "concertId",
        "concertId=",
        "concertId=%FF",
        "concertId=a%20b",
        "concertId=nowhere",
        "concertId=c&concertId=c",
        "concertid=c",
        "concertId=c&onFailure=",
        "concertId=c&onFailure=maybe",
        "concertId=c&onFailure=open&onFailure=open",
        "concertId=nowhere&onFailure=open",
    ] {
        let refused = verify(&app, query, &member("a"), &token).await;
        assert_eq!(refused.status, 403, "{query}");
        let stranger = verify(&app, query, "", &token).await;
        assert_eq!(stranger.status, 401, "{query}");
        let forged = verify(&app, query, "forged", &token).await;
        assert_eq!(forged.status, 401, "{query}");
    }
    for no_member in [ADMIN_TOKEN, ORIGIN_TOKEN] {
        let refused = verify(&app, "concertId=c", no_member, &token).await;
        assert_eq!(refused.status, 403);
    }
    let booking_token = verify(&app, "concertId=c", &token, &token).await;
    assert_eq!(booking_token.status, 401, "it is not an access token");
    for on_failure in ["open", "closed"] {
        let query = format!("concertId=c&onFailure={on_failure}");
        assert_eq!(verify(&app, &query, &member("a"), &token).await.status, 204);
        assert_eq!(verify(&app, &query, &member("a"), "").await.status, 403);
    }
}

async fn the_cookie_completes_a_session_as_the_header_does(app: App) {
    app.stage.create_by_hand("c").await;
    let token = app.inside("c", "a").await;
    let complete = |cookie: String| {
        let path = "/v2/reservation/complete/c";
        let request = app.api.request(Method::POST, path, &member("a"));
        send(request.header("Cookie", cookie))
    };
    complete(format!("queue-token-d={token}"))
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    assert_eq!(app.stage.standing("c", "a").await.status, Status::Entered);
    complete(format!("queue-token-c={token}")).await.data(200);
    assert_eq!(
        app.stage.standing("c", "a").await.status,
        Status::NotInQueue
    );
}

/// Asks as a proxy does for a visitor with these cookies.
async fn verify_with(app: &App, who: &str, tokens: &[&str]) -> Answer {
    let path = "/v2/reservation/verify?concertId=c";
    let request = app.api.request(Method::GET, path, &member(who));
    let cookies = tokens.iter().map(|token| format!("queue-token-c={token}"));
    let cookies: Vec<_> = cookies.collect();
    send(request.header("Cookie", cookies.join("; "))).await
}

async fn any_valid_cookie_among_several_counts(app: App) {
    app.stage.create_by_hand("c").await;
    let stale = app.inside("c", "a").await;
    app.stage.leave("c", "a", Leaving::ByChoice).await;
    let good = app.inside("c", "a").await;
    let others = app.inside("c", "b").await;
    for bad in [stale.as_str(), &others, "garbage"] {
        for tokens in [[bad, &good], [&good, bad]] {
            let answer = verify_with(&app, "a", &tokens).await;
            assert_eq!((answer.status, answer.header("x-member-id")), (204, "a"));
            assert_eq!(answer.header("set-cookie"), "", "it might be the valid one");
        }
    }
    let path = "/v2/reservation/complete/c";
    let complete = app.api.request(Method::POST, path, &member("a"));
    let both = format!("queue-token-c={stale}; queue-token-c={good}");
    send(complete.header("Cookie", both)).await.data(200);
    assert_eq!(
        app.stage.standing("c", "a").await.status,
        Status::NotInQueue
    );
}

async fn cookies_that_no_longer_let_anybody_in_are_cleared(app: App) {
    app.stage.create_by_hand("c").await;
    let stale = app.inside("c", "a").await;
    app.stage.leave("c", "a", Leaving::ByChoice).await;
    let others = app.inside("c", "b").await;
    let cleared = "queue-token-c=; Path=/; Max-Age=0; SameSite=Lax";
    for (tokens, expected) in [
        (&[stale.as_str()][..], cleared),
        (&["garbage"], cleared),
        (&[&stale, "garbage"], cleared),
        // Their owner may log in again.
        (&[&others], ""),
        (&[&stale, &others], ""),
        (&[], ""),
    ] {
        let answer = verify_with(&app, "a", tokens).await;
        assert_eq!(answer.header("set-cookie"), expected, "{tokens:?}");
        answer.fails("QUEUE_TOKEN_REQUIRED");
    }
    let by_header = verify(&app, "concertId=c", &member("a"), &stale).await;
    assert_eq!(by_header.header("set-cookie"), "");
}

async fn act(app: &App, act: &str, token: &str, who: &str, number: &Value) -> Answer {
    let path = format!("/v2/reservation/sessions/c/{act}");
    let body = json!({"memberId": who, "entryNumber": number});
    app.api.post_json(&path, token, &body).await
}

async fn an_origin_completes_exactly_the_session_it_names(app: App) {
    app.stage.create_by_hand("c").await;
    let token = app.inside("c", "a").await;
    let other = app.inside("c", "b").await;
    let number = claims(&token)["ent"].clone();
    let complete = async |token: &str, who: &str, number: &Value| {
        act(&app, "complete", token, who, number).await
    };
    for stranger in ["", "forged", token.as_str()] {
        complete(stranger, "a", &number)
            .await
            .fails("UNAUTHENTICATED");
    }
    complete(&member("a"), "a", &number)
        .await
        .fails("FORBIDDEN");
    for (who, number) in [
        ("a", &claims(&other)["ent"]),
        ("a", &json!(1)),
        ("stranger", &number),
    ] {
        let nothing = complete(ORIGIN_TOKEN, who, number).await;
        assert_eq!(*nothing.data(200), json!({}));
    }
    assert_eq!(app.stage.snapshot("c").await.counts.inside, 2);
    for _ in 0..2 {
        let done = complete(ORIGIN_TOKEN, "a", &number).await;
        assert_eq!(*done.data(200), json!({}));
    }
    let line = app.stage.snapshot("c").await;
    assert_eq!((line.counts.inside, line.totals.completed), (1, 1));
    assert!(!passes(&app, "a", &token).await);
    assert!(passes(&app, "b", &other).await);
    let feed = app.api.revoked("c", "").await;
    assert_eq!(feed.data(200)["revoked"][0][0], number);
    for (admin, who) in [(ADMIN_TOKEN, "b"), (admin().as_str(), "b")] {
        let number = &claims(&other)["ent"];
        complete(admin, who, number).await.data(200);
    }
}

async fn an_origin_extends_a_session_once(app: App) {
    let fields = json!({"autoOpen": false, "sessionMinutes": 1, "holdDurationMinutes": 7});
    app.stage.create("c", fields).await;
    let first = app.inside("c", "a").await;
    let was = claims(&first);
    let extend = async |token: &str, number: &Value| act(&app, "extend", token, "a", number).await;
    extend("", &was["ent"]).await.fails("UNAUTHENTICATED");
    extend(&member("a"), &was["ent"]).await.fails("FORBIDDEN");
    extend(ORIGIN_TOKEN, &json!(1)).await.fails("NOT_READY");
    let extended = extend(ORIGIN_TOKEN, &was["ent"]).await;
    assert_eq!(extended.header("cache-control"), "no-store");
    let extended = extended.data(200).clone();
    assert_eq!(extended["extended"], true);
    let token = extended["token"].as_str().expect("a token").to_owned();
    let jwks = app.api.get("/.well-known/jwks.json", "").await.body;
    let is = verified_by_openssl(&token, &jwks);
    for same in ["iss", "aud", "sub", "cid", "ent", "jti", "iat"] {
        assert_eq!(is[same], was[same], "{same}");
    }
    let left = is["exp"].as_i64().expect("exp") - in_seconds(0);
    assert!((400..=420).contains(&left), "{left}");
    let standing = app.stage.standing("c", "a").await;
    assert_eq!(extended["expiresAt"], json!(standing.expires_at));
    let issued = app.api.get("/v2/reservation/token/c", &member("a")).await;
    assert_eq!(issued.data(200)["token"], extended["token"]);
    assert_eq!(issued.data(200)["expiresAt"], extended["expiresAt"]);
    assert!(passes(&app, "a", &first).await);
    assert!(passes(&app, "a", &token).await);
    // Unless the next second has started.
    let again = extend(ORIGIN_TOKEN, &was["ent"]).await;
    let again = again.data(200);
    let is_later = again["expiresAt"] != extended["expiresAt"];
    assert_eq!(again["extended"], is_later);
    assert_eq!(again["token"] != extended["token"], is_later);
    act(&app, "complete", ORIGIN_TOKEN, "a", &was["ent"])
        .await
        .data(200);
    extend(ORIGIN_TOKEN, &was["ent"]).await.fails("NOT_READY");
    assert!(!passes(&app, "a", &token).await);
}

async fn malformed_requests_of_an_origin_are_refused(app: App) {
    app.stage.create_by_hand("c").await;
    for what in ["complete", "extend"] {
        let path = |id: &str| format!("/v2/reservation/sessions/{id}/{what}");
        let say =
            async |id: &str, body: Value| app.api.post_json(&path(id), ORIGIN_TOKEN, &body).await;
        for member in [
            json!(""),
            json!("a b"),
            json!(7),
            json!(null),
            json!("회원"),
        ] {
            let body = json!({"memberId": member, "entryNumber": 1});
            say("c", body).await.fails("INVALID_MEMBER_ID");
        }
        for number in [
            json!(-1),
            json!(1.5),
            json!("1"),
            json!(null),
            json!([1]),
            json!(1_u64 << 53),
            json!(u64::MAX),
        ] {
            let body = json!({"memberId": "a", "entryNumber": number});
            say("c", body).await.fails("INVALID_ENTRY_NUMBER");
        }
        for (body, code) in [
            (json!({}), "INVALID_MEMBER_ID"),
            (json!([]), "INVALID_BODY"),
            (json!({"memberId": "a"}), "INVALID_ENTRY_NUMBER"),
            (
                json!({"memberId": "a", "entryNumber": 1, "more": 1}),
                "INVALID_BODY",
            ),
        ] {
            say("c", body).await.fails(code);
        }
        let good = json!({"memberId": "a", "entryNumber": 1});
        say("nowhere", good.clone())
            .await
            .fails("CONCERT_NOT_FOUND");
        say("a%20b", good).await.fails("INVALID_CONCERT_ID");
    }
}

#[tokio::test]
async fn while_the_store_is_down_a_proxy_gets_the_answer_it_asked_for() {
    let app = App::real().await;
    app.stage.create_by_hand("c").await;
    let token = app.inside("c", "a").await;
    let number = claims(&token)["ent"].clone();
    let redis = app.stage.redis.as_ref().expect("a real server");
    redis.kill();
    for (query, status) in [
        ("concertId=c", 403),
        ("concertId=c&onFailure=closed", 403),
        ("concertId=c&onFailure=open", 204),
        ("concertId=c&onFailure=maybe", 403),
    ] {
        let answer = verify(&app, query, &member("a"), &token).await;
        assert_eq!(answer.status, status, "{query}");
        let stranger = verify(&app, query, "", &token).await;
        assert_eq!(stranger.status, 401, "{query}");
    }
    app.api.revoked("c", "").await.fails("STORE_DOWN");
    for what in ["complete", "extend"] {
        act(&app, what, ORIGIN_TOKEN, "a", &number)
            .await
            .fails("STORE_DOWN");
    }
    redis.start_again().await;
    let back = async || {
        verify(&app, "concertId=c", &member("a"), &token)
            .await
            .status
            == 204
    };
    eventually(Duration::from_secs(60), "the store is back", back).await;
    app.api.revoked("c", "").await.data(200);
}
