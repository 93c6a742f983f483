//! The way to the waiting page and back.

use reqwest::{Method, Url};
use sunbeon_system_tests::{Kind, ShopDoor};

use crate::world::{Seen, Shop, bearer};

/// Returns the path and query to which a browser returns after rock's waiting page.
#[track_caller]
fn way_back(sent: &Seen) -> String {
    assert_eq!(sent.status, 303);
    assert_eq!(sent.headers["cache-control"], "no-store");
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

pub(crate) async fn a_browser_returns_to_exactly_the_address_it_asked_for(kind: Kind) {
    let shop = Shop::open(kind).await;
    let fan = bearer("fan");
    let browser = [
        ("Authorization", fan.as_str()),
        ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ];
    let asked = [
        "/concerts/rock/seats?section=A&row=2",
        "/concerts/rock?section=A%26B&sum=1+2&mark=%23&percent=%25&city=%EC%84%9C%EC%9A%B8",
        "/concerts/rock?target=https://elsewhere.example/&x=%0d%0a",
        "/concerts/rock/x&target=y",
        "/concerts/rock/%EC%84%9C%EC%9A%B8/x%26target=y",
        "/concerts/rock/50%25-off?",
        "/concerts/rock",
    ];
    let seen = shop.origin.seen().len();
    for path in asked {
        assert_eq!(way_back(&shop.ask(path, &browser).await), path);
    }
    // A form cannot be sent again from there.
    let path = "/concerts/rock/book?row=2";
    let form = shop.send(Method::POST, path, &browser, "two=2").await;
    assert_eq!(form.status, 403);
    assert_eq!(form.body["code"], "QUEUE_TOKEN_REQUIRED");
    assert_eq!(
        shop.origin.seen().len(),
        seen,
        "a request reached the origin"
    );

    // From the waiting page, with the token.
    let rock = shop.admit("rock", "fan").await;
    let admitted = [("Authorization", fan.as_str()), ("X-Queue-Token", &rock)];
    for path in asked {
        let page = shop.ask(path, &admitted).await;
        page.is_for(Some("fan"));
        assert_eq!(page.body["path"], path);
    }
}
