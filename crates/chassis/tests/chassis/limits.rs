//! Rate limits.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use crate::support::{ADMIN_TOKEN, App, SECRET, auth_with, failure};
use axum::{body::Body, http::Request};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use sunbeon_chassis::Auth;
use sunbeon_domain::{Code, MemberId};
use tower::ServiceExt;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Consecutive requests: many more than any limit of these tests allows.
const MANY: u32 = 60;

fn auth(variables: &[(&str, &str)]) -> Auth {
    let fixed = [
        ("SUNBEON__AUTH__HS256_SECRET", SECRET),
        ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
    ];
    auth_with(&[&fixed[..], variables].concat()).unwrap()
}

/// Starts an app with a limit of 2 per second and address that includes loopback addresses.
async fn app(variables: &[(&str, &str)]) -> App {
    let few = [
        ("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "2"),
        ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "2"),
        ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "2"),
        ("SUNBEON__LIMITS__PROXIED_MEMBER_PER_SECOND", "2"),
        ("SUNBEON__LIMITS__LOOPBACK", "true"),
    ];
    let mut settings: Vec<_> = few.into();
    settings.retain(|(name, _)| variables.iter().all(|(other, _)| other != name));
    settings.extend(variables);
    App::with_auth(&auth(&settings)).await
}

/// Returns a client at 127.0.0.`last`.
fn at(last: u8) -> Client {
    let address = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
    Client::builder().local_address(address).build().unwrap()
}

/// The outcome of consecutive requests.
struct Tally {
    passed: u32,
    refused: u32,
    took: Duration,
}

impl Tally {
    /// Returns whether a limit of 2 per second was enforced, and no tighter one.
    fn is_limited(&self) -> bool {
        let most = 3.0 + 2.0 * self.took.as_secs_f64();
        self.refused > 0 && self.passed >= 2 && f64::from(self.passed) <= most
    }
}

/// Sends requests one after another; each one that is not rate-limited must have this status.
async fn hammer(status: u16, mut request: impl FnMut(u32) -> RequestBuilder) -> Tally {
    let begun = Instant::now();
    let (mut passed, mut refused) = (0, 0);
    for number in 0..MANY {
        let answer = request(number).send().await.unwrap().status();
        if answer == StatusCode::TOO_MANY_REQUESTS {
            refused += 1;
        } else {
            assert_eq!(answer.as_u16(), status);
            passed += 1;
        }
    }
    let took = begun.elapsed();
    Tally {
        passed,
        refused,
        took,
    }
}

fn access(id: &str) -> String {
    let id = MemberId::parse(id).unwrap();
    auth(&[])
        .issue(&id, "", false, Duration::from_secs(60))
        .unwrap()
}

#[tokio::test]
async fn a_client_that_waits_for_retry_after_passes_again() {
    let app = app(&[("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "1")]).await;
    let client = at(2);
    let ask = || {
        client
            .get(app.url("/anyone"))
            .header("accept-language", "en")
            .send()
    };
    let refused = loop {
        let answer = ask().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
    };
    let wait = refused.headers()[header::RETRY_AFTER].to_str().unwrap();
    let wait: u64 = wait.parse().unwrap();
    assert!(wait >= 1);
    failure(refused, Code::TooManyRequests, true).await;
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(ask().await.unwrap().status(), 200);
}

#[tokio::test]
async fn every_audience_is_limited_per_address() {
    for (path, status) in [
        ("/anyone", 200),
        ("/whoami", 401),
        ("/actor", 401),
        ("/origin", 401),
        ("/feed", 401),
    ] {
        let app = app(&[]).await;
        for client in [at(2), at(3)] {
            // Without a token: refused requests count, too.
            let tally = hammer(status, |_| client.get(app.url(path))).await;
            assert!(tally.is_limited(), "{path}");
        }
    }
}

#[tokio::test]
async fn all_routes_of_a_process_share_one_limit() {
    let app = app(&[]).await;
    let client = at(2);
    let paths = ["/anyone", "/actor"];
    let tally = hammer(200, |number| {
        let path = paths[number as usize % paths.len()];
        client.get(app.url(path)).bearer_auth(ADMIN_TOKEN)
    })
    .await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn main_pages_have_their_own_limit() {
    let app = app(&[("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "0")]).await;
    let client = at(2);
    let tally = hammer(200, |_| client.get(app.url("/main-page"))).await;
    assert!(tally.is_limited());
    let tally = hammer(200, |_| client.get(app.url("/anyone"))).await;
    assert_eq!(tally.refused, 0);
}

#[tokio::test]
async fn other_routes_do_not_use_up_the_limit_of_main_pages() {
    let app = app(&[("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "0")]).await;
    let client = at(2);
    let tally = hammer(200, |_| client.get(app.url("/anyone"))).await;
    assert!(tally.is_limited());
    let tally = hammer(200, |_| client.get(app.url("/main-page"))).await;
    assert_eq!(tally.refused, 0);
}

#[tokio::test]
async fn a_member_is_limited_across_addresses_and_independently_of_others() {
    let app = app(&[("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "0")]).await;
    let clients = [at(2), at(3)];
    for token in [access("42"), access("43")] {
        let tally = hammer(200, |number| {
            let client = &clients[number as usize % 2];
            client.get(app.url("/whoami")).bearer_auth(&token)
        })
        .await;
        assert!(tally.is_limited());
    }
    // A request with an invalid token is nobody's and does not count against any member.
    let nobody = hammer(401, |_| clients[0].get(app.url("/whoami")).bearer_auth("x")).await;
    assert_eq!(nobody.refused, 0);
}

#[tokio::test]
async fn requests_of_an_asking_proxy_are_limited_by_member_only() {
    // A tighter limit, which must not apply here.
    let app = app(&[("SUNBEON__LIMITS__MEMBER_PER_SECOND", "1")]).await;
    let proxy = at(2);
    let tokens: Vec<_> = (0..MANY)
        .map(|number| access(&number.to_string()))
        .collect();
    let tally = hammer(200, |number| {
        let token = &tokens[number as usize];
        proxy.get(app.url("/by-proxies")).bearer_auth(token)
    })
    .await;
    assert_eq!(tally.refused, 0);
    let one = access("one");
    let tally = hammer(200, |_| proxy.get(app.url("/by-proxies")).bearer_auth(&one)).await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn refused_requests_of_proxies_and_shops_count_against_their_address() {
    const ORIGIN_TOKEN: &str = "the-token-of-a-shops-back-end";
    let origin = ("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN);
    let app = app(&[origin]).await;
    for (client, path, good) in [
        (at(2), "/origin", ORIGIN_TOKEN.to_owned()),
        (at(3), "/by-proxies", access("42")),
    ] {
        let guesses = hammer(401, |_| client.get(app.url(path)).bearer_auth("guessed")).await;
        assert!(guesses.is_limited(), "{path}");
        // From the same address, which has used up its limit.
        let answer = client.get(app.url(path)).bearer_auth(&good).send().await;
        assert_eq!(answer.unwrap().status(), 200, "{path}");
    }
    let client = at(4);
    let shop = hammer(200, |_| {
        client.get(app.url("/origin")).bearer_auth(ORIGIN_TOKEN)
    })
    .await;
    assert_eq!(shop.refused, 0);
}

#[tokio::test]
async fn requests_of_gates_have_their_own_limit() {
    let app = app(&[]).await;
    let client = at(2);
    let crowd = hammer(200, |_| client.get(app.url("/anyone"))).await;
    assert!(crowd.is_limited());
    let gates = hammer(200, |_| client.get(app.url("/gates"))).await;
    assert!(gates.is_limited() && gates.passed > 0);
}

#[tokio::test]
async fn strangers_at_a_gates_address_take_nothing_from_its_feed_nor_by_it() {
    const ORIGIN_TOKEN: &str = "the-token-of-a-shops-back-end";
    let app = app(&[("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN)]).await;
    let client = at(2);
    for token in ["", "guessed", &access("42")] {
        let status = if token.len() > 20 { 403 } else { 401 };
        let flood = hammer(status, |_| client.get(app.url("/feed")).bearer_auth(token)).await;
        assert!(flood.refused > 0);
        let polls = hammer(200, |_| {
            client.get(app.url("/feed")).bearer_auth(ORIGIN_TOKEN)
        });
        assert_eq!(polls.await.refused, 0);
    }
    for path in ["/anyone", "/gates"] {
        let others = hammer(200, |_| client.get(app.url(path))).await;
        assert!(others.is_limited() && others.passed > 0, "{path}");
    }
}

#[tokio::test]
async fn a_member_who_ends_sessions_again_and_again_is_slowed_and_nobody_else_is() {
    let app = app(&[
        ("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "0"),
        ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "0"),
        ("SUNBEON__LIMITS__ENDINGS_PER_HOUR", "20"),
    ])
    .await;
    let client = at(2);
    for who in ["42", "43"] {
        let token = access(who);
        let tally = hammer(200, |_| client.get(app.url("/end")).bearer_auth(&token)).await;
        assert!((20..=21).contains(&tally.passed), "{} passed", tally.passed);
        let others = hammer(200, |_| client.get(app.url("/whoami")).bearer_auth(&token)).await;
        assert_eq!(others.refused, 0);
    }
}

#[tokio::test]
async fn a_forged_header_does_not_evade_a_limit() {
    let app = app(&[]).await;
    let client = at(2);
    let tally = hammer(200, |number| {
        let forged = format!("203.0.113.{number}");
        client.get(app.url("/anyone")).header(FORWARDED_FOR, forged)
    })
    .await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_limited_by_what_the_proxy_appends() {
    let app = app(&[("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.2, 10.0.0.0/8")]).await;
    let proxy = at(2);
    for (client, hops) in [
        ("203.0.113.7", ""),
        ("203.0.113.8", ""),
        ("203.0.113.9", ", 10.1.2.3"),
        ("2001:db8::1", ", 10.1.2.3, 10.9.9.9"),
    ] {
        let tally = hammer(200, |number| {
            // The client's own, forged entries are to the left.
            let forged = format!("198.51.100.{number}, {client}{hops}");
            proxy.get(app.url("/anyone")).header(FORWARDED_FOR, forged)
        })
        .await;
        assert!(tally.is_limited(), "{client}");
    }
    // The same with one header line per entry.
    let tally = hammer(200, |number| {
        let request = proxy.get(app.url("/anyone"));
        let forged = format!("198.51.100.{number}");
        let request = request.header(FORWARDED_FOR, forged);
        request.header(FORWARDED_FOR, "203.0.113.10")
    })
    .await;
    assert!(tally.is_limited());
    // A stranger that claims to be the proxy's client.
    let stranger = at(3);
    let tally = hammer(200, |number| {
        let forged = format!("203.0.113.{number}, 10.1.2.3");
        stranger
            .get(app.url("/anyone"))
            .header(FORWARDED_FOR, forged)
    })
    .await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn garbled_addresses_count_against_the_proxy() {
    let app = app(&[("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.2")]).await;
    let proxy = at(2);
    let tally = hammer(200, |number| {
        let garbage = ["unknown", "", "203.0.113.7,", "203.0.113.7 x", "_hidden"];
        let garbage = garbage[number as usize % garbage.len()];
        let request = proxy.get(app.url("/anyone"));
        request.header(FORWARDED_FOR, format!("203.0.113.{number}, {garbage}"))
    })
    .await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn loopback_is_limited_only_on_request() {
    let default = [("SUNBEON__LIMITS__LOOPBACK", "false")];
    let app = app(&[
        &default[..],
        &[("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.2")],
    ]
    .concat())
    .await;
    let token = access("42");
    for client in [at(1), at(2), at(3)] {
        let tally = hammer(200, |_| client.get(app.url("/whoami")).bearer_auth(&token)).await;
        assert_eq!(tally.refused, 0);
    }
    // A client elsewhere is limited, even though the proxy is on loopback.
    let proxy = at(2);
    let tally = hammer(200, |_| {
        proxy
            .get(app.url("/anyone"))
            .header(FORWARDED_FOR, "127.0.0.1, 203.0.113.7")
    })
    .await;
    assert!(tally.is_limited());
}

#[tokio::test]
async fn zero_means_no_limit() {
    let app = app(&[
        ("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "0"),
        ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "0"),
        ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "0"),
        ("SUNBEON__LIMITS__PROXIED_MEMBER_PER_SECOND", "0"),
    ])
    .await;
    let (client, token) = (at(2), access("42"));
    for path in ["/anyone", "/main-page", "/whoami"] {
        let tally = hammer(200, |_| client.get(app.url(path)).bearer_auth(&token)).await;
        assert_eq!(tally.refused, 0, "{path}");
    }
}

#[tokio::test]
async fn health_routes_and_unknown_paths_are_not_limited() {
    let app = app(&[]).await;
    let client = at(2);
    hammer(200, |_| client.get(app.url("/anyone"))).await;
    for (path, status) in [
        ("/live", 200),
        ("/ready", 200),
        ("/health", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        ("/nowhere", 404),
    ] {
        let tally = hammer(status, |_| client.get(app.url(path))).await;
        assert_eq!(tally.refused, 0, "{path}");
    }
}

#[tokio::test]
async fn a_request_without_an_address_is_not_limited() {
    let auth = auth(&[
        ("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "1"),
        ("SUNBEON__LIMITS__LOOPBACK", "true"),
    ]);
    let (router, _) = crate::support::api(&auth).split_for_parts();
    for _ in 0..MANY {
        let request = Request::get("/anyone").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn health_and_metrics_are_limited_by_address_and_live_is_not() {
    let limits = [
        ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "2"),
        ("SUNBEON__LIMITS__LOOPBACK", "true"),
    ];
    let app = App::with_limits(crate::support::limits(&limits)).await;
    for path in ["/health", "/metrics"] {
        let client = at(if path == "/health" { 2 } else { 3 });
        let tally = hammer(200, |_| client.get(app.url(path))).await;
        assert!(tally.is_limited(), "{path}: {} passed", tally.passed);
    }
    let client = at(4);
    for path in ["/live", "/ready"] {
        let tally = hammer(200, |_| client.get(app.url(path))).await;
        assert_eq!(tally.refused, 0, "{path}");
    }
}
