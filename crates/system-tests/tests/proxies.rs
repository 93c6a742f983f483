//! A shop behind the proxies of `docs/gate`, each run with the file that is printed there.

use reqwest::{Client, Method, Url, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use sunbeon_system_tests::{FrontDoor, Kind, Origin, Replica, SOON, Service, ShopDoor, Stack};
use sunbeon_test_support::{Api, access, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A shop with three concerts: two with a line, `open-house` without.
struct Shop {
    door: ShopDoor,
    origin: Origin,
    http: Client,
    sunbeon: Api,
    token: Replica,
    _front_door: FrontDoor,
    _others: [Replica; 2],
    _stack: Stack,
}

/// What came back.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Shop {
    async fn open(kind: Kind) -> Self {
        let stack = Stack::start().await;
        let (room, control, token, origin) = tokio::join!(
            stack.run(Service::WaitingRoom),
            stack.run(Service::ReservationOpen),
            stack.run(Service::Token),
            Origin::start(),
        );
        let front_door = FrontDoor::start(&stack, &[&room], &[&control], &[&token], &[]).await;
        let sunbeon = front_door.api();
        for concert in ["rock", "jazz"] {
            let policy = json!({ "mode": "threshold", "maxActive": 100 });
            sunbeon.create(concert, policy).await;
        }
        let policy = json!({ "mode": "off" });
        sunbeon.create("open-house", policy).await;
        let door = ShopDoor::start(kind, &origin, stack.front_door()).await;
        let http = Client::builder().redirect(Policy::none()).no_proxy();
        Self {
            door,
            origin,
            http: http.timeout(Duration::from_secs(15)).build().unwrap(),
            sunbeon,
            token,
            _front_door: front_door,
            _others: [room, control],
            _stack: stack,
        }
    }

    /// Lets a member in; the booking token and the entry number.
    async fn admit(&self, concert: &str, member: &str) -> (String, u64) {
        let number = self.sunbeon.enter(concert, member).await.of(201).number();
        let issued = self.sunbeon.token(concert, member).await;
        (
            issued.data(200)["token"].as_str().unwrap().to_owned(),
            number,
        )
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.send(Method::GET, path, headers, "").await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Seen {
        let url = format!("http://127.0.0.1:{}{path}", self.door.port());
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Seen {
            status,
            headers,
            body,
        }
    }

    /// Asks for a path exactly as it is written.
    async fn ask_as_is(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        let port = self.door.port();
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "Connection: close\r\n\r\n";
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        status.unwrap_or_else(|| panic!("{path} was answered {answer:?}"))
    }
}

/// Where a browser comes back to that was sent to the waiting page of rock.
fn way_back(sent: &Seen) -> String {
    assert_eq!(sent.status, 303);
    let location = Url::parse(sent.headers["location"].to_str().unwrap()).unwrap();
    let (page, _) = location.as_str().split_once('?').unwrap();
    assert_eq!(page, format!("{}/rock", ShopDoor::WAITING_PAGE));
    assert_eq!(location.fragment(), None);
    let query: Vec<_> = location.query_pairs().into_owned().collect();
    let [(name, target)] = &query[..] else {
        panic!("{location}")
    };
    assert_eq!(name, "target");
    target.strip_prefix(ShopDoor::SHOP).unwrap().to_owned()
}

fn bearer(member: &str) -> String {
    format!("Bearer {}", access::member(member))
}

async fn only_who_was_admitted_reaches_the_origin_and_under_their_own_name(kind: Kind) {
    let shop = Shop::open(kind).await;
    let (fan, other) = (bearer("fan"), bearer("other"));
    let (rock, _) = shop.admit("rock", "fan").await;
    let calls = shop.origin.calls();

    let nobody = shop.ask("/concerts/rock/seats", &[]).await;
    assert_eq!(nobody.status, 401);
    let waits = [("Authorization", fan.as_str()), ("X-Member-Id", "fan")];
    let refused = shop.ask("/concerts/rock/seats", &waits).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (403, &json!("QUEUE_TOKEN_REQUIRED"))
    );
    let page = format!("{}/rock", ShopDoor::WAITING_PAGE);
    assert_eq!(refused.body["data"]["waitingPage"], page);
    for (who, token, path) in [
        (&other, &rock, "/concerts/rock/seats"),
        (&fan, &rock, "/concerts/jazz/seats"),
        (&fan, &"not.a.token".to_owned(), "/concerts/rock/seats"),
    ] {
        let headers = [("Authorization", who.as_str()), ("X-Queue-Token", token)];
        assert_eq!(shop.ask(path, &headers).await.status, 403, "{path}");
    }
    assert_eq!(shop.origin.calls(), calls, "the origin was asked");

    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    let seen = shop.ask("/concerts/rock/seats?row=1", &admitted).await;
    assert_eq!((seen.status, &seen.body["members"]), (200, &json!(["fan"])));
    let vip = ["X-Member-Id", "X-Member_Id", "X_Member-Id", "X_Member_Id"];
    let forged = [&admitted[..], &vip.map(|name| (name, "vip"))].concat();
    let seen = shop.ask("/concerts/rock", &forged).await;
    assert_eq!((seen.status, &seen.body["members"]), (200, &json!(["fan"])));
    let cookie = format!("theme=dark; queue-token-rock={rock}");
    let by_cookie = [("Authorization", fan.as_str()), ("Cookie", &cookie)];
    let seen = shop
        .send(
            Method::POST,
            "/concerts/rock/book",
            &by_cookie,
            "two, please",
        )
        .await;
    assert_eq!((seen.status, &seen.body["members"]), (200, &json!(["fan"])));
    assert_eq!(seen.body["body"], "two, please");

    // What is not gated knows nobody.
    let seen = shop.ask("/about", &forged).await;
    assert_eq!((seen.status, &seen.body["members"]), (200, &json!([])));
    // No gate would see what follows.
    let tunnel = [("Connection", "Upgrade"), ("Upgrade", "h2c")];
    let seen = shop.ask("/about", &tunnel).await;
    assert_eq!((seen.status, &seen.body["upgrade"]), (200, &json!(false)));
}

async fn a_browser_is_sent_to_the_waiting_page_and_told_the_way_back(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let calls = shop.origin.calls();
    let browser = [
        ("Authorization", fan.as_str()),
        ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ];
    let sent = shop
        .ask("/concerts/rock/seats?row=1&x=%0d%0a", &browser)
        .await;
    assert_eq!(way_back(&sent), "/concerts/rock/seats");
    // Nothing in the path becomes a part of the waiting page's address.
    for path in ["x&target=y", "x%26target=y", "x%23y", "x%0d%0ay"] {
        let path = format!("/concerts/rock/{path}");
        let sent = way_back(&shop.ask(&path, &browser).await);
        assert!(sent == path || sent == "/concerts/rock", "{path}: {sent}");
    }
    // What was sent cannot be sent again from there.
    let form = shop
        .send(Method::POST, "/concerts/rock/book", &browser, "two=2")
        .await;
    assert_eq!(
        (form.status, &form.body["code"]),
        (403, &json!("QUEUE_TOKEN_REQUIRED"))
    );
    assert_eq!(shop.origin.calls(), calls, "the origin was asked");
}

async fn no_other_spelling_of_a_path_leads_past_the_gate(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let (rock, _) = shop.admit("rock", "fan").await;
    let calls = shop.origin.calls();
    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    for path in [
        "/concerts/rock/../jazz/seats",
        "/concerts/rock/%2e%2e/jazz/seats",
        "/concerts/rock/%2E./jazz",
        "/concerts/rock/./seats",
        "/concerts/rock%2fseats",
        "/concerts/rock%5cseats",
        "/concerts/rock\\..\\jazz",
        "/concerts/rock;x=1/seats",
        "/concerts;x=1/jazz/seats",
        "/concerts%3bx=1/jazz/seats",
        "/concerts/rock%00/seats",
        "/concerts/",
        "//concerts/jazz/seats",
        "/concerts//jazz/seats",
        "/about/../concerts/jazz/seats",
        "/about/%2e%2e/concerts/jazz/seats",
        "/about/..;/concerts/jazz/seats",
        "/concerts\\jazz/seats",
        "/concerts%5cjazz/seats",
        "/concerts/j%61zz/seats/%zz",
        "/c%6fncerts/jazz/%",
        "/c%6fncerts/jazz/seats",
        "/Concerts/jazz/seats",
        "/concerts/jazz&concertId=rock",
        "/concerts/jazz%26concertId=rock",
    ] {
        let status = shop.ask_as_is(path, &admitted).await;
        assert!(matches!(status, 400 | 404), "{path} was answered {status}");
    }
    assert_eq!(shop.origin.calls(), calls, "the origin was asked");
    let query = "/concerts/rock?back=/../%2f&concertId=jazz";
    assert_eq!(shop.ask_as_is(query, &admitted).await, 200);
}

async fn an_ended_session_lets_nobody_in_within_five_seconds(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let (rock, _) = shop.admit("rock", "fan").await;
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

async fn a_concert_without_a_line_needs_no_booking_token(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let headers = [("Authorization", fan.as_str())];
    let seen = shop.ask("/concerts/open-house/seats", &headers).await;
    assert_eq!((seen.status, &seen.body["members"]), (200, &json!(["fan"])));
}

async fn while_sunbeon_is_away_nobody_passes_and_it_is_said_so(kind: Kind) {
    let mut shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let (rock, _) = shop.admit("rock", "fan").await;
    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    assert_eq!(shop.ask("/concerts/rock", &admitted).await.status, 200);
    let calls = shop.origin.calls();
    shop.token.end().await;
    let away = shop.ask("/concerts/rock", &admitted).await;
    assert_eq!(away.status, 503);
    assert!(away.headers.contains_key("retry-after"));
    assert_eq!(away.body["code"], "WAITING_ROOM_DOWN");
    assert_eq!(shop.origin.calls(), calls, "the origin was asked");
    shop.token.start_again().await;
    eventually(SOON, "who was admitted passes again", async || {
        shop.ask("/concerts/rock", &admitted).await.status == 200
    })
    .await;
}

macro_rules! suite {
    ($kind:ident, $module:ident: $($name:ident,)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Kind::$kind).await;
            })*
        }
    };
    ($($name:ident,)*) => {
        suite!(Nginx, nginx: $($name,)*);
        suite!(Caddy, caddy: $($name,)*);
        suite!(Haproxy, haproxy: $($name,)*);
    };
}

suite! {
    only_who_was_admitted_reaches_the_origin_and_under_their_own_name,
    a_browser_is_sent_to_the_waiting_page_and_told_the_way_back,
    no_other_spelling_of_a_path_leads_past_the_gate,
    an_ended_session_lets_nobody_in_within_five_seconds,
    a_concert_without_a_line_needs_no_booking_token,
    while_sunbeon_is_away_nobody_passes_and_it_is_said_so,
}
