//! Browsers: who they are by their cookies, and what other sites' pages cannot do with these.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, request::Parts};
use reqwest::{RequestBuilder, Response};
use sunbeon_chassis::Auth;
use sunbeon_domain::{Code, MemberId};

use crate::support::{ADMIN_TOKEN, App, SECRET, auth_with, failure};

const LOGIN: &str = "sunbeon-access";
const GUEST: &str = "sunbeon-guest";
const OPERATOR: &str = "sunbeon-operator";

fn browsers() -> Auth {
    auth_with(&[
        ("SUNBEON__AUTH__HS256_SECRET", SECRET),
        ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
        (
            "SUNBEON__AUTH__GUEST_SECRET",
            "the secret of guest tokens, 32 bytes or more",
        ),
    ])
    .unwrap()
}

fn token(auth: &Auth, id: &str, admin: bool) -> String {
    let id = MemberId::parse(id).unwrap();
    let issued = auth.issue(&id, "", admin, Duration::from_secs(60));
    issued.unwrap()
}

/// Sends a request as a page of this site would.
async fn by_page(request: RequestBuilder, cookie: &str) -> Response {
    let request = request.header("Sec-Fetch-Site", "same-origin");
    request.header("Cookie", cookie).send().await.unwrap()
}

#[tokio::test]
async fn a_browser_is_known_by_the_logins_cookie_else_as_a_guest() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    let guest = auth.issue_guest().unwrap();
    let mine = token(&auth, "42", false);
    for (cookie, known) in [
        (format!("{LOGIN}={mine}"), Some("42")),
        (format!("a=이름; {LOGIN}={mine}; b=c"), Some("42")),
        (
            format!("{GUEST}={}; {LOGIN}={mine}", guest.token),
            Some("42"),
        ),
        (format!("{GUEST}={}", guest.token), Some(guest.id.as_str())),
        (
            format!("{LOGIN}=; {GUEST}={}", guest.token),
            Some(guest.id.as_str()),
        ),
        // A login that has run out does not turn its member into a guest, who stands elsewhere.
        (format!("{LOGIN}=x.y.z; {GUEST}={}", guest.token), None),
        (format!("x{LOGIN}={mine}"), None),
        (format!("{OPERATOR}={mine}"), None),
    ] {
        let answer = by_page(app.get("/whoami"), &cookie).await;
        match known {
            Some(id) => {
                let body: serde_json::Value = answer.json().await.unwrap();
                assert_eq!(body["data"][0], id, "{cookie}");
            }
            None => drop(failure(answer, Code::Unauthenticated, false).await),
        }
        let page = by_page(app.get("/page"), &cookie).await;
        assert_eq!(
            page.text().await.unwrap(),
            known.unwrap_or_default(),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn a_header_takes_precedence_over_every_cookie() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    let cookie = format!("{LOGIN}={}", token(&auth, "42", false));
    let asked = app.get("/whoami").bearer_auth(token(&auth, "7", false));
    let body: serde_json::Value = by_page(asked, &cookie).await.json().await.unwrap();
    assert_eq!(body["data"][0], "7");
    let garbage = app.get("/whoami").bearer_auth("x");
    failure(
        by_page(garbage, &cookie).await,
        Code::Unauthenticated,
        false,
    )
    .await;
}

#[tokio::test]
async fn another_sites_page_cannot_act_through_a_cookie() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    let own = format!("http://{}", app.address);
    let login = format!("{LOGIN}={}", token(&auth, "42", false));
    let operator = format!("{OPERATOR}={ADMIN_TOKEN}");
    let allowed: [(&str, &[(&str, &str)]); 4] = [
        ("GET", &[("Sec-Fetch-Site", "same-origin")]),
        ("GET", &[("Sec-Fetch-Site", "none")]),
        (
            "POST",
            &[
                ("Sec-Fetch-Site", "same-origin"),
                ("Origin", "http://proxied"),
            ],
        ),
        ("GET", &[]),
    ];
    let refused: [(&str, &[(&str, &str)]); 7] = [
        ("GET", &[("Sec-Fetch-Site", "cross-site")]),
        ("GET", &[("Sec-Fetch-Site", "same-site")]),
        ("POST", &[("Sec-Fetch-Site", "none")]),
        (
            "POST",
            &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        ),
        ("POST", &[("Origin", "http://evil.example")]),
        ("POST", &[("Origin", "null")]),
        ("POST", &[]),
    ];
    let all = allowed.iter().map(|it| (it, true));
    for ((method, headers), passes) in all.chain(refused.iter().map(|it| (it, false))) {
        let method = method.parse().unwrap();
        let mut request = app.client.request(method, app.url("/actor"));
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = request.header("Cookie", &operator).send().await.unwrap();
        match passes {
            true => assert_eq!(answer.status(), 200, "{headers:?}"),
            false => drop(failure(answer, Code::CrossSite, false).await),
        }
    }
    let origin = app.post("/actor").header("Origin", &own);
    let answer = origin.header("Cookie", &operator).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let away = app.get("/whoami").header("Sec-Fetch-Site", "cross-site");
    let answer = away.header("Cookie", &login).send().await.unwrap();
    failure(answer, Code::CrossSite, false).await;
}

#[tokio::test]
async fn a_link_on_another_site_leads_to_a_page_but_its_form_does_not() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    let login = format!("{LOGIN}={}", token(&auth, "42", false));
    let from_elsewhere = |request: RequestBuilder| {
        let request = request.header("Sec-Fetch-Site", "cross-site");
        request.header("Cookie", &login).send()
    };
    let page = from_elsewhere(app.get("/page")).await.unwrap();
    assert_eq!(page.text().await.unwrap(), "42");
    let form = from_elsewhere(app.post("/page")).await.unwrap();
    failure(form, Code::CrossSite, false).await;
    let nobody = app.get("/page").send().await.unwrap();
    assert_eq!(nobody.text().await.unwrap(), "");
}

#[tokio::test]
async fn whom_no_key_here_can_name_sees_a_page_as_nobody() {
    let auth = auth_with(&[
        ("SUNBEON__AUTH__JWKS_URL", "http://127.0.0.1:9/keys"),
        ("SUNBEON__AUTH__ISSUER", "login"),
        ("SUNBEON__AUTH__AUDIENCE", "sunbeon"),
    ]);
    let app = App::with_auth(&auth.unwrap()).await;
    // {"alg":"RS256","kid":"k"}, and claims and a signature that nobody gets to read.
    let cookie = format!("{LOGIN}=eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AAAA");
    let page = by_page(app.get("/page"), &cookie).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.text().await.unwrap(), "");
    failure(
        by_page(app.get("/whoami"), &cookie).await,
        Code::KeysDown,
        false,
    )
    .await;
}

#[tokio::test]
async fn a_proxy_asks_about_visitors_wherever_they_come_from() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    let login = format!("{LOGIN}={}", token(&auth, "42", false));
    let asked = app
        .get("/by-proxies")
        .header("Sec-Fetch-Site", "cross-site");
    let answer = asked.header("Cookie", &login).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn an_operators_cookie_opens_admin_routes_and_no_members_ones() {
    let auth = browsers();
    let app = App::with_auth(&auth).await;
    for (token, actor) in [
        (ADMIN_TOKEN.to_owned(), "admin token"),
        (token(&auth, "boss", true), "boss"),
    ] {
        let admin = auth.admin_of(&token).await.unwrap();
        assert_eq!(admin.actor, actor);
        let cookie = auth.operator_cookie(&token, &HeaderMap::new()).unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let answer = by_page(app.post("/actor"), pair).await;
        assert_eq!(answer.status(), 200);
        let answer = by_page(app.get("/whoami"), pair).await;
        failure(answer, Code::Unauthenticated, false).await;
    }
    let member = token(&auth, "42", false);
    let refused = auth.admin_of(&member).await.unwrap_err();
    assert_eq!(refused.code(), Code::Forbidden);
    let refused = auth.admin_of("x").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(auth.operator_cookie("a;b", &HeaderMap::new()).is_none());
}

#[test]
fn no_script_reads_a_cookie_and_behind_tls_it_stays_there() {
    let auth = browsers();
    let guest = auth.issue_guest().unwrap();
    let by = |scheme| {
        let name = "x-forwarded-proto".parse().unwrap();
        HeaderMap::from_iter([(name, HeaderValue::from_static(scheme))])
    };
    for (headers, secure) in [
        (HeaderMap::new(), false),
        (by("http, https"), false),
        (by("https"), true),
        (by("HTTPS , http"), true),
    ] {
        for (cookie, same_site) in [
            (
                auth.guest_cookies(&guest, &headers).remove(0),
                "SameSite=Lax",
            ),
            (
                auth.operator_cookie("token", &headers).unwrap(),
                "SameSite=Strict",
            ),
            (auth.forget_operator(&headers), "SameSite=Strict"),
            (
                auth.login_cookie("token", 60, &headers).unwrap(),
                "SameSite=Lax",
            ),
        ] {
            let cookie = cookie.to_str().unwrap();
            for part in ["; HttpOnly", "; Path=/", "; Max-Age=", same_site] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
        }
    }
}

#[test]
fn a_login_that_has_run_out_does_not_hide_a_new_guest() {
    let auth = browsers();
    let guest = auth.issue_guest().unwrap();
    let cookies = |login: &str| {
        let cookie = HeaderValue::try_from(format!("{LOGIN}={login}")).unwrap();
        let headers = HeaderMap::from_iter([(axum::http::header::COOKIE, cookie)]);
        auth.guest_cookies(&guest, &headers)
    };
    assert_eq!(cookies(&token(&auth, "42", false)).len(), 1);
    let [_, forgotten] = &cookies("x.y.z")[..] else {
        panic!("the login is not forgotten");
    };
    let forgotten = forgotten.to_str().unwrap();
    assert!(forgotten.starts_with(&format!("{LOGIN}=;")) && forgotten.contains("Max-Age=0"));
}

#[tokio::test]
async fn a_member_is_limited_on_pages_too() {
    let auth = auth_with(&[
        ("SUNBEON__AUTH__HS256_SECRET", SECRET),
        ("SUNBEON__LIMITS__LOOPBACK", "true"),
        ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "2"),
    ]);
    let auth = auth.unwrap();
    let app = App::with_auth(&auth).await;
    let cookie = format!("{LOGIN}={}", token(&auth, "42", false));
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(by_page(app.post("/page"), &cookie).await.status().as_u16());
    }
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(app.get("/page").send().await.unwrap().status(), 200);
}

#[test]
fn the_logins_cookie_has_a_name_of_its_own_or_none() {
    for (name, accepted) in [
        ("session", true),
        ("shop.access-token_1", true),
        ("a b", false),
        ("a=b", false),
        (GUEST, false),
        (OPERATOR, false),
    ] {
        let auth = auth_with(&[
            ("SUNBEON__AUTH__HS256_SECRET", SECRET),
            ("SUNBEON__AUTH__COOKIE", name),
        ]);
        assert_eq!(auth.is_ok(), accepted, "{name}");
    }
}

#[tokio::test]
async fn a_connection_is_known_by_a_token_else_by_the_cookies_of_its_own_page() {
    let auth = browsers();
    let mine = token(&auth, "42", false);
    let request = |site: &str| -> Parts {
        let request = axum::http::Request::builder()
            .header("Sec-Fetch-Site", site)
            .header("Cookie", format!("{LOGIN}={mine}"));
        request.body(()).unwrap().into_parts().0
    };
    let other = token(&auth, "7", false);
    for (given, site, expected) in [
        (Some(other.as_str()), "cross-site", Ok("7")),
        (Some("x"), "same-origin", Err(Code::Unauthenticated)),
        (Some(ADMIN_TOKEN), "same-origin", Err(Code::Unauthenticated)),
        (None, "same-origin", Ok("42")),
        (None, "cross-site", Err(Code::CrossSite)),
    ] {
        let request = request(site);
        let found = match auth.members_token(given, &request) {
            Ok(token) => auth.member_of(token).await,
            Err(error) => Err(error),
        };
        let found = found.map(|member| member.id.to_string());
        let found = found.map_err(|error| error.code());
        assert_eq!(found, expected.map(str::to_owned), "{given:?} {site}");
    }
}
