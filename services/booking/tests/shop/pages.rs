//! The shop's pages, as a browser gets them.

use std::time::Duration;

use reqwest::{Client, header::HeaderMap, redirect::Policy};
use serde_json::json;
use sunbeon_test_support::eventually;

use crate::world::{Fan, World, plan, seen, send};

/// A page as a browser received it.
struct Shown {
    status: u16,
    headers: HeaderMap,
    html: String,
}

impl Shown {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.map_or("", |value| value.expect("visible ASCII"))
    }

    /// Returns the value of a `data-` attribute of the page's `main`.
    fn data(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.html.split_once(&format!("data-{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    fn says(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

/// A browser that follows no redirect.
struct Browser<'a> {
    world: &'a World,
    cookies: String,
    host: &'a str,
}

impl<'a> Browser<'a> {
    fn new(world: &'a World, cookies: &[(&str, &str)]) -> Self {
        let cookies = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Self {
            world,
            cookies: cookies.collect::<Vec<_>>().join("; "),
            host: "shop.example",
        }
    }

    async fn asks(&self, path: &str, language: &str) -> Shown {
        let client = Client::builder().redirect(Policy::none()).build();
        let request = client
            .expect("a client")
            .get(format!("{}{path}", self.world.url));
        let request = request
            .header("Accept", "text/html,*/*;q=0.8")
            .header("Accept-Language", language)
            .header("Cookie", &self.cookies)
            .header("Host", self.host)
            .header("Sec-Fetch-Site", "none");
        let response = request.send().await.expect("an answer");
        Shown {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            html: response.text().await.expect("a page"),
        }
    }

    /// Asks until the gate sees: on a busy machine it may be blind for a moment.
    async fn opens(&self, path: &str) -> Shown {
        let mut shown = self.asks(path, "ko").await;
        eventually(Duration::from_secs(30), "the gate sees", async || {
            if shown.status == 503 {
                shown = self.asks(path, "ko").await;
            }
            shown.status != 503
        })
        .await;
        shown
    }
}

#[tokio::test]
async fn the_list_says_in_both_languages_what_can_be_done_about_each_concert() {
    let world = World::sqlite().await;
    for (id, fields) in [
        (
            "soon",
            json!({"bookingStartAt": "2099-12-24T10:00:00.000Z", "joinStartHours": 4}),
        ),
        ("over", json!({"closed": true})),
        ("halted", json!({"paused": true})),
        ("gone", json!({"identity": "guest"})),
    ] {
        world.sunbeon.put(id, fields);
    }
    let none = json!({"perMemberLimit": 1, "tickets": [
        {"ticketId": "x", "name": "x", "price": 1, "quantity": 0}]});
    world.on_sale("gone", &none).await.data(200);
    let nobody = Browser::new(&world, &[]);
    let mut korean = nobody.asks("/", "ko").await;
    let listed = async || {
        korean = nobody.asks("/", "ko").await;
        korean.says("Title of gone") && korean.says("매진")
    };
    eventually(Duration::from_secs(20), "all concerts are listed", listed).await;
    assert_eq!(korean.status, 200);
    for text in [
        "<html lang=\"ko\">",
        "예매 중",
        "예정",
        "12월 24일 (목) 19:00 시작",
        "예매 종료",
        "잠시 멈춤",
        "로그인 없이도 예매할 수 있어요",
        "href=\"/concerts/a\"",
    ] {
        assert!(korean.says(text), "{text}: {}", korean.html);
    }
    let english = nobody.asks("/", "en").await;
    for text in [
        "<html lang=\"en\">",
        "On sale",
        "Starts Thu 24 Dec, 19:00",
        "Ended",
        "Paused",
        "Sold out",
    ] {
        assert!(english.says(text), "{text}: {}", english.html);
    }
    let place = |text| korean.html.find(text).expect(text);
    assert!(
        place("Title of a") < place("Title of soon"),
        "what can be booked comes first"
    );
    assert!(
        place("Title of soon") < place("Title of over"),
        "what is over comes last"
    );
}

#[tokio::test]
async fn a_browser_is_sent_to_the_line_and_back_with_its_query() {
    let world = World::sqlite().await;
    let access = world.access("42", false);
    let (nobody, member) = (
        Browser::new(&world, &[]),
        Browser::new(&world, &[("sunbeon-access", &access)]),
    );
    for browser in [&nobody, &member] {
        let sent = browser.opens("/concerts/a?section=R&lang=en").await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (
                303,
                "https://queue.example/a?target=http%3A%2F%2Fshop.example%2Fconcerts%2Fa%3Fsection%3DR%26lang%3Den"
            ),
        );
        assert_eq!(sent.header("cache-control"), "no-store");
    }
    let elsewhere = Browser {
        host: "evil.example",
        ..member
    };
    let sent = elsewhere.opens("/concerts/a").await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (303, "https://queue.example/a")
    );
}

#[tokio::test]
async fn an_admitted_browser_sees_the_concert_and_its_page_contains_no_token() {
    let world = World::sqlite().await;
    world
        .sunbeon
        .put("a", json!({"title": "<script>alert(1)</script>"}));
    let (access, token) = (world.access("42", false), world.fan("a", "42").token);
    let cookies = [("sunbeon-access", &*access), ("queue-token-a", &*token)];
    let browser = Browser::new(&world, &cookies);
    let shown = browser.opens("/concerts/a?x=1").await;
    assert_eq!(shown.status, 200, "{}", shown.html);
    assert_eq!(shown.data("concert"), Some("a"));
    let left = |name| {
        shown
            .data(name)
            .and_then(|text| text.parse::<i64>().ok())
            .expect("a time")
    };
    assert!((1..=600_000).contains(&(left("until") - left("now"))));
    assert!(!shown.says(&access) && !shown.says(&token));
    assert!(!shown.says("<script>alert"), "a title is never markup");
    assert!(shown.says("42 님"));
    let policy = shown.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(!shown.says(" style=") && !shown.says(" onclick="));
    let other = world.access("43", false);
    let thief = Browser::new(
        &world,
        &[("sunbeon-access", &other), ("queue-token-a", &token)],
    );
    assert_eq!(
        thief.opens("/concerts/a").await.status,
        303,
        "a token opens only to its member"
    );
}

#[tokio::test]
async fn without_a_line_members_pass_and_guests_where_the_concert_admits_them() {
    let world = World::sqlite().await;
    for (id, identity) in [("open", "member"), ("fair", "guest")] {
        world
            .sunbeon
            .put(id, json!({"mode": "off", "identity": identity}));
        world.on_sale(id, &plan()).await.data(200);
    }
    let (member, (id, guest)) = (world.access("42", false), world.guest());
    let (member, guest) = (
        Browser::new(&world, &[("sunbeon-access", &member)]),
        Browser::new(&world, &[("sunbeon-guest", &guest)]),
    );
    for path in ["/concerts/open", "/concerts/fair"] {
        let shown = member.opens(path).await;
        assert_eq!(shown.status, 200, "{path}");
        assert_eq!(shown.data("until"), None, "there is no session");
    }
    assert_eq!(guest.opens("/concerts/open").await.status, 303);
    let shown = guest.opens("/concerts/fair").await;
    assert_eq!(shown.status, 200);
    assert!(shown.says("비회원") && !shown.says(&id));
    let nobody = Browser::new(&world, &[]);
    assert_eq!(nobody.opens("/concerts/fair").await.status, 303);
}

#[tokio::test]
async fn my_bookings_are_mine_and_a_stranger_is_asked_who_they_are() {
    let world = World::sqlite().await;
    let fan = world.fan("a", "42");
    let paid = fan.booked(&["a.R.1.1", "a.R.1.2"]).await;
    fan.confirm(&paid, "card").await.data(200);
    let access = world.access("42", false);
    let mine = Browser::new(&world, &[("sunbeon-access", &access)])
        .asks("/bookings", "ko")
        .await;
    assert_eq!(mine.status, 200);
    for text in [
        "Title of a",
        "R구역 1열 1번",
        "R구역 1열 2번",
        "2,000원",
        "예매 완료",
        &*paid,
    ] {
        assert!(mine.says(text), "{text}: {}", mine.html);
    }
    let other = world.access("43", false);
    let none = Browser::new(&world, &[("sunbeon-access", &other)])
        .asks("/bookings", "en")
        .await;
    assert!(none.says("No bookings yet") && !none.says(&paid));
    let nobody = Browser::new(&world, &[]).asks("/bookings", "ko").await;
    assert!(nobody.status == 200 && nobody.says("로그인이 필요해요"));
    let (id, token) = world.guest();
    world
        .sunbeon
        .put("fair", json!({"mode": "off", "identity": "guest"}));
    world.on_sale("fair", &plan()).await.data(200);
    let guest = Fan::new(&world.url, token.clone(), String::new());
    let body = json!({"tickets": [{"ticketId": "standing", "quantity": 2}]});
    let made = seen(async || guest.post("/v2/bookings?concertId=fair", &body).await).await;
    made.data(201);
    let theirs = Browser::new(&world, &[("sunbeon-guest", &token)])
        .asks("/bookings", "ko")
        .await;
    assert!(theirs.says("Standing 2매") && theirs.says("결제 대기") && !theirs.says(&id));
}

#[tokio::test]
async fn only_the_demo_signs_anybody_in() {
    let (shop, demo) = (World::sqlite().await, World::demo().await);
    assert!(
        !Browser::new(&shop, &[])
            .asks("/", "ko")
            .await
            .says("/dev/session")
    );
    let form = "action=\"/dev/session\"";
    assert!(Browser::new(&demo, &[]).asks("/", "ko").await.says(form));
    let access = demo.access("42", false);
    let known = Browser::new(&demo, &[("sunbeon-access", &access)])
        .asks("/", "ko")
        .await;
    assert!(known.says("42 님") && known.says("action=\"/dev/session/end\""));
}

#[tokio::test]
async fn a_failure_is_a_page_that_says_how_to_go_on() {
    let world = World::sqlite().await;
    let access = world.access("42", false);
    let browser = Browser::new(&world, &[("sunbeon-access", &access)]);
    let missing = browser.asks("/concerts/a%20b", "ko").await;
    assert!((400..500).contains(&missing.status));
    assert!(
        missing.says("찾으시는 화면이 없어요") && missing.says("href=\"/\""),
        "{}",
        missing.html
    );
    world.sunbeon.down(true);
    // What the shop has not asked for yet, it cannot show.
    world.sunbeon.put("new", json!({"mode": "off"}));
    let busy = browser.asks("/concerts/new", "ko").await;
    assert_eq!(busy.status, 503);
    assert!(busy.says("지금은 연결이 어려워요") && !busy.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_longer_token_replaces_the_cookie_of_a_browser() {
    let world = World::sqlite().await;
    world.sunbeon.extend_to(600);
    let fan = world.fan_until("a", "42", 60);
    let body = json!({"seatIds": ["a.R.1.1"]});
    let request = Client::new()
        .post(format!("{}/v2/seats/lock?concertId=a", world.url))
        .header(
            "Cookie",
            format!("sunbeon-access={}; queue-token-a={}", fan.access, fan.token),
        )
        .header("Sec-Fetch-Site", "same-origin")
        .json(&body);
    let held = seen(async || send(request.try_clone().expect("a body")).await).await;
    held.data(200);
    let cookie = held.header("set-cookie");
    assert!(
        cookie.starts_with("queue-token-a=ey") && cookie.contains("; HttpOnly;"),
        "{cookie}"
    );
    assert!(!cookie.contains(&fan.token));
    let other = world.fan_until("a", "43", 60);
    let by_header = other.lock(&["a.R.1.2"]).await;
    assert_eq!(
        by_header.header("set-cookie"),
        "",
        "whoever sends a header keeps the token"
    );
}
