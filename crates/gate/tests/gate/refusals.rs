//! The answers to visitors who are not let in.

use reqwest::Response;
use serde_json::{Value, json};

use crate::world::World;

const PAGE: &str = "https://queue.example/waiting-room/demo";
const HTML: &str = "application/xhtml+xml,Text/HTML;q=0.9,*/*;q=0.8";

/// Sends a browser's request for an address of the shop.
async fn browse(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = world.request(method, path).header("accept", HTML);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn location(answer: &Response) -> &str {
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_program_gets_the_waiting_page_in_its_language() {
    let world = World::closed().await;
    for (language, message) in [
        (
            "en",
            "You need a valid booking token for this concert. Enter the waiting room to get one.",
        ),
        (
            "ko",
            "이 콘서트의 유효한 예매 토큰이 필요합니다. 대기열을 거쳐 입장해 주세요.",
        ),
    ] {
        let request = world.get("42", "/concerts/demo");
        let answer = request
            .header("accept-language", language)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({
                "message": message, "code": "QUEUE_TOKEN_REQUIRED", "status": 403,
                "data": {"waitingPage": PAGE},
            })
        );
    }
}

#[tokio::test]
async fn without_a_known_concert_even_browsers_get_no_waiting_page() {
    let world = World::closed().await;
    let answer = browse(&world, "GET", "/seats", &[("member", "42")]).await;
    assert_eq!(answer.status(), 403);
    let failure: Value = answer.json().await.unwrap();
    assert_eq!(failure.get("data"), None);
}

#[tokio::test]
async fn a_browser_is_redirected_to_the_waiting_page_with_its_way_back() {
    let world = World::closed().await;
    let back = |scheme: &str| {
        format!("{PAGE}?target={scheme}%3A%2F%2Fshop.example%2Fconcerts%2Fdemo%3Fa%3Db%26c%3D%2520")
    };
    let shop = ("host", "shop.example");
    for (method, headers, scheme) in [
        ("GET", &[shop][..], "http"),
        ("HEAD", &[shop], "http"),
        ("GET", &[shop, ("x-forwarded-proto", "https")], "https"),
        ("GET", &[shop, ("x-forwarded-proto", "http")], "http"),
        ("GET", &[shop, ("x-forwarded-proto", "javascript")], "http"),
        (
            "GET",
            &[shop, ("x-forwarded-proto", "https, http")],
            "https",
        ),
        ("GET", &[shop, ("member", "42")], "http"),
    ] {
        let answer = browse(&world, method, "/concerts/demo?a=b&c=%20", headers).await;
        assert_eq!(location(&answer), back(scheme), "{method} {headers:?}");
    }
}

#[tokio::test]
async fn the_way_back_never_leads_to_a_foreign_host() {
    let world = World::closed().await;
    for host in [
        "evil.example",
        "shop.example.evil",
        "evil.shop.example",
        "shop.example:8443",
        "a@shop.example",
        "127.0.0.1",
    ] {
        let headers = [("host", host), ("x-forwarded-host", "shop.example")];
        let answer = browse(&world, "GET", "/concerts/demo", &headers).await;
        assert_eq!(location(&answer), PAGE, "{host}");
    }
    // The host of the request's own address is a port of this test.
    let answer = browse(&world, "GET", "/concerts/demo//evil", &[]).await;
    assert_eq!(location(&answer), PAGE);
}

#[tokio::test]
async fn only_page_loads_of_browsers_are_redirected() {
    let world = World::closed().await;
    for (method, accept) in [
        ("POST", HTML),
        ("DELETE", HTML),
        ("GET", "application/json"),
        ("GET", "*/*"),
    ] {
        let request = world
            .request(method, "/concerts/demo")
            .header("accept", accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{method} {accept}");
    }
}
