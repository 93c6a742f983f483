//! Who passes, under which name, and the answers to everybody else.

use std::time::{Duration, Instant};

use reqwest::Method;
use sunbeon_system_tests::{Kind, SOON, ShopDoor};
use sunbeon_test_support::eventually;

use crate::world::{Shop, bearer};

pub(crate) async fn only_admitted_members_reach_the_origin_under_their_own_name(kind: Kind) {
    let shop = Shop::open(kind).await;
    let (fan, other) = (bearer("fan"), bearer("other"));
    let rock = shop.admit("rock", "fan").await;
    let seen = shop.origin.seen().len();

    let nobody = shop.ask("/concerts/rock/seats", &[]).await;
    assert_eq!(nobody.status, 401);
    let waits = [("Authorization", fan.as_str()), ("X-Member-Id", "fan")];
    let refused = shop.ask("/concerts/rock/seats", &waits).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["code"], "QUEUE_TOKEN_REQUIRED");
    // Traefik passes on the answer of `verify`, which does not know the waiting page.
    if kind != Kind::Traefik {
        let page = format!("{}/rock", ShopDoor::WAITING_PAGE);
        assert_eq!(refused.body["data"]["waitingPage"], page);
    }
    for (who, token, path) in [
        (&other, &rock[..], "/concerts/rock/seats"),
        (&fan, &rock, "/concerts/jazz/seats"),
        (&fan, "not.a.token", "/concerts/rock/seats"),
    ] {
        let headers = [("Authorization", who.as_str()), ("X-Queue-Token", token)];
        let status = shop.ask(path, &headers).await.status;
        // Traefik's file does not contain jazz.
        assert!([403, 418].contains(&status), "{path}: {status}");
    }
    assert_eq!(
        shop.origin.seen().len(),
        seen,
        "a request reached the origin"
    );

    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    let page = shop.ask("/concerts/rock/seats?row=1", &admitted).await;
    page.is_for(Some("fan"));
    let cookie = format!("theme=dark; queue-token-rock={rock}");
    let by_cookie = [("Authorization", fan.as_str()), ("Cookie", &cookie)];
    let (path, body) = ("/concerts/rock/book", "two, please");
    let booked = shop.send(Method::POST, path, &by_cookie, body).await;
    booked.is_for(Some("fan"));
    assert_eq!(booked.body["body"], body);
    // Outside the gate, nobody is known.
    shop.ask("/about", &waits).await.is_for(None);
}

pub(crate) async fn an_ended_session_stops_passing_within_five_seconds(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let rock = shop.admit("rock", "fan").await;
    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    assert_eq!(shop.ask("/concerts/rock", &admitted).await.status, 200);
    let _ = shop.sunbeon.complete("rock", "fan", &rock).await.of(200);
    let ended = Instant::now();
    eventually(SOON, "the token is refused", async || {
        let late = ended.elapsed();
        let status = shop.ask("/concerts/rock", &admitted).await.status;
        assert!(
            status != 200 || late <= Duration::from_secs(5),
            "after {late:?}"
        );
        status == 403
    })
    .await;
}

pub(crate) async fn a_cookie_of_an_ended_session_is_removed(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let rock = shop.admit("rock", "fan").await;
    let cookie = format!("theme=dark; queue-token-rock={rock}");
    let asks = async |path: &str, accept: &str| {
        let headers = [
            ("Authorization", fan.as_str()),
            ("Cookie", &cookie),
            ("Accept", accept),
        ];
        let answer = shop.ask(path, &headers).await;
        let cookies = answer.headers.get_all("set-cookie").into_iter();
        let cookies: Vec<_> = cookies.map(|it| it.to_str().unwrap().to_owned()).collect();
        (answer.status, cookies)
    };
    let path = "/concerts/rock/seats";
    assert_eq!(asks(path, "*/*").await, (200, vec![]), "a good one stays");
    let _ = shop.sunbeon.complete("rock", "fan", &rock).await.of(200);
    let removed = vec!["queue-token-rock=; Path=/; Max-Age=0; SameSite=Lax".to_owned()];
    assert_eq!(asks(path, "*/*").await, (403, removed.clone()));
    // Traefik's file redirects no browsers.
    let status = if kind == Kind::Traefik { 403 } else { 303 };
    assert_eq!(asks(path, "text/html").await, (status, removed));
    let without = shop.ask(path, &[("Authorization", &fan)]).await;
    assert_eq!(without.status, 403);
    assert!(!without.headers.contains_key("set-cookie"));
}

pub(crate) async fn a_concert_without_a_line_needs_no_booking_token(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let headers = [("Authorization", fan.as_str())];
    let page = shop.ask("/concerts/open-house/seats", &headers).await;
    page.is_for(Some("fan"));
}

pub(crate) async fn while_sunbeon_is_unreachable_nobody_passes_and_the_answer_says_so(kind: Kind) {
    let mut shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let rock = shop.admit("rock", "fan").await;
    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    assert_eq!(shop.ask("/concerts/rock", &admitted).await.status, 200);
    let seen = shop.origin.seen().len();
    shop.token.end().await;
    let away = shop.ask("/concerts/rock", &admitted).await;
    assert_eq!(away.status, 503);
    assert!(away.headers.contains_key("retry-after"));
    assert_eq!(away.body["code"], "WAITING_ROOM_DOWN");
    assert_eq!(
        shop.origin.seen().len(),
        seen,
        "a request reached the origin"
    );
    shop.token.start_again().await;
    eventually(SOON, "the admitted pass again", async || {
        shop.ask("/concerts/rock", &admitted).await.status == 200
    })
    .await;
}
