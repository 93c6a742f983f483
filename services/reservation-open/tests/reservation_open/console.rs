//! The operators' console: signing in and out, and who may use what it leaves behind.

use reqwest::{Method, RequestBuilder, Response, header, redirect::Policy};
use serde_json::json;
use sunbeon_chassis::Auth;
use sunbeon_domain::PolicyField;
use sunbeon_test_support::{
    Browser, Server,
    access::{ADMIN_TOKEN, ORIGIN_TOKEN, admin, member},
    send,
};

use crate::app::{App, CONCERTS};

const FORM: &str = "application/x-www-form-urlencoded";

/// Prepares a form as a page of this site sends it.
fn form(url: &str, path: &str, fields: String) -> RequestBuilder {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .expect("a client");
    let request = browser.post(format!("{url}{path}")).body(fields);
    let request = request.header(header::CONTENT_TYPE, FORM);
    request.header("Sec-Fetch-Site", "same-origin")
}

async fn sign_in(app: &App, token: &str) -> Response {
    let request = form(app.url(), "/admin/session", format!("token={token}"));
    request.send().await.expect("an answer")
}

/// Returns the cookie that a sign-in left, as the browser sends it, and its attributes.
fn cookie(answer: &Response) -> (String, String) {
    let cookie = answer.headers()[header::SET_COOKIE]
        .to_str()
        .expect("ASCII");
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    (pair.to_owned(), attributes.to_owned())
}

async fn page(app: &App, cookie: &str) -> String {
    let request = app.request(Method::GET, "/admin?lang=en", "");
    let answer = request.header("Cookie", cookie).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("a page")
}

#[tokio::test]
async fn an_admin_signs_in_with_either_kind_of_token_and_signs_out() {
    let app = App::embedded().await;
    for token in [ADMIN_TOKEN.to_owned(), admin()] {
        let answer = sign_in(&app, &format!("+{token}%0A")).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()[header::LOCATION], "/admin");
        let (pair, attributes) = cookie(&answer);
        assert_eq!(pair, format!("sunbeon-operator={token}"));
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"));
        assert!(page(&app, &pair).await.contains("id=\"lines\""));
    }
    let answer = form(app.url(), "/admin/session/end", String::new())
        .send()
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 303);
    let (pair, attributes) = cookie(&answer);
    assert_eq!(pair, "sunbeon-operator=");
    assert!(attributes.contains("Max-Age=0"));
    // A link to a form, or going back to it in the browser.
    for form in ["/admin/session", "/admin/session/end"] {
        let opened = Browser::at(app.url()).open(form).await;
        assert_eq!(opened.sent_to(), "/admin");
        assert_eq!(opened.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn without_an_operators_cookie_the_console_asks_to_sign_in() {
    let app = App::embedded().await;
    let of = |token: &str| format!("sunbeon-operator={token}");
    for cookie in [
        String::new(),
        of("nonsense"),
        of(&member("42")),
        of(ORIGIN_TOKEN),
    ] {
        let page = page(&app, &cookie).await;
        assert!(page.contains("action=\"/admin/session\""), "{cookie}");
        assert!(!page.contains("id=\"lines\""));
    }
}

#[tokio::test]
async fn whoever_follows_another_sites_link_is_asked_again_by_the_console_itself() {
    let app = App::embedded().await;
    for (site, again) in [
        ("cross-site", true),
        ("same-origin", false),
        ("none", false),
    ] {
        let request = app.request(Method::GET, "/admin", "");
        let answer = request.header("Sec-Fetch-Site", site).send().await;
        let page = answer.expect("an answer").text().await.expect("a page");
        assert_eq!(page.contains("console-again.js"), again, "{site}");
    }
}

#[tokio::test]
async fn a_token_that_signs_nobody_in_is_refused_in_plain_words() {
    let app = App::embedded().await;
    for (token, status, words) in [
        ("nonsense", 401, "맞지 않거나 만료된 토큰"),
        ("", 401, "맞지 않거나 만료된 토큰"),
        (&member("42"), 403, "관리자 권한이 없어요"),
        (ORIGIN_TOKEN, 403, "관리자 권한이 없어요"),
    ] {
        let answer = sign_in(&app, token).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
        assert!(answer.text().await.expect("a page").contains(words));
    }
}

#[tokio::test]
async fn an_operators_cookie_works_on_no_other_sites_page() {
    let app = App::embedded().await;
    app.create("c", json!({})).await;
    let cookie = format!("sunbeon-operator={ADMIN_TOKEN}");
    let request = |method, path: &str| app.request(method, path, "").header("Cookie", &cookie);
    let pause = format!("{CONCERTS}/c/pause");
    let acts = [
        (Method::POST, pause.as_str()),
        (Method::GET, "/v2/admin/audit"),
        (Method::GET, "/admin/health"),
    ];
    for (method, path) in acts.clone() {
        for site in ["cross-site", "same-site"] {
            let foreign = request(method.clone(), path).header("Sec-Fetch-Site", site);
            send(foreign).await.fails("CROSS_SITE");
        }
        let foreign = request(method, path).header("Origin", "https://elsewhere.example");
        send(foreign).await.fails("CROSS_SITE");
    }
    for (method, path) in acts {
        let own = request(method, path).header("Sec-Fetch-Site", "same-origin");
        assert_eq!(send(own).await.status, 200, "{path}");
    }
    for path in ["/admin/session", "/admin/session/end"] {
        let request = app.request(Method::POST, path, "");
        let foreign = request.body(format!("token={ADMIN_TOKEN}"));
        let foreign = foreign.header(header::CONTENT_TYPE, FORM);
        send(foreign.header("Sec-Fetch-Site", "cross-site"))
            .await
            .fails("CROSS_SITE");
    }
}

#[tokio::test]
async fn guesses_are_limited_like_a_main_page() {
    let app = App::embedded().await;
    let limits = [
        ("SUNBEON__LIMITS__LOOPBACK", "true"),
        ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "2"),
    ];
    let routes = |auth: &Auth| app.service.pages(auth).into();
    let server = Server::of("reservation-open", &limits, routes).await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let guess = form(server.api.url(), "/admin/session", "token=guess".into());
        let answer = guess.send().await.expect("an answer");
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn the_form_has_every_field_of_a_policy() {
    let app = App::embedded().await;
    let page = page(&app, &format!("sunbeon-operator={ADMIN_TOKEN}")).await;
    for field in PolicyField::ALL {
        // A line is paused by an act of its own.
        let name = field.name();
        let input = format!("id=\"p-{name}\" name=\"{name}\"");
        assert_eq!(page.contains(&input), name != "paused", "{name}");
    }
}
