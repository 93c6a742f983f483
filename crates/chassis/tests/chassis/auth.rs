//! Access tokens under attack.

use std::time::Duration;

use crate::support::{ADMIN_TOKEN, App, SECRET, auth, failure};
use axum::http::header;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use sunbeon_domain::{Code, MemberId};

fn hs256(claims: &Value) -> String {
    encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

fn in_seconds(seconds: i64) -> i64 {
    i64::try_from(get_current_timestamp()).unwrap() + seconds
}

fn good() -> Value {
    json!({ "sub": "42", "name": "Kim", "exp": in_seconds(60) })
}

fn with(claim: &str, value: Value) -> String {
    let mut claims = good();
    claims[claim] = value;
    hs256(&claims)
}

async fn ask(app: &App, path: &str, token: &str) -> reqwest::Response {
    app.get(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .send()
        .await
        .unwrap()
}

async fn whoami(app: &App, token: &str) -> Value {
    let response = ask(app, "/whoami", token).await;
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["data"].clone()
}

#[tokio::test]
async fn a_good_token_names_the_member() {
    let app = App::default().await;
    assert_eq!(whoami(&app, &hs256(&good())).await, json!(["42", "Kim"]));
    assert_eq!(
        whoami(&app, &with("sub", json!(42))).await,
        json!(["42", "Kim"])
    );
    let issued = auth().issue(
        &MemberId::parse("a").unwrap(),
        "",
        false,
        Duration::from_secs(9),
    );
    assert_eq!(whoami(&app, &issued.unwrap()).await, json!(["a", ""]));
    let lower = app
        .get("/whoami")
        .header("authorization", format!("bearer {}", hs256(&good())));
    assert_eq!(lower.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_name_is_cut_down_to_what_can_be_shown() {
    let app = App::default().await;
    let name = whoami(
        &app,
        &with("name", json!(format!("a\n\u{0}{}", "김".repeat(200)))),
    )
    .await;
    assert_eq!(name[1], format!("a{}", "김".repeat(99)));
    assert_eq!(whoami(&app, &with("name", json!(["x"]))).await[1], "");
}

#[tokio::test]
async fn every_bad_token_is_unauthenticated() {
    let app = App::default().await;
    let good_token = hs256(&good());
    let body = good_token.split('.').nth(1).unwrap();
    let signed = |algorithm, secret: &[u8]| {
        encode(
            &Header::new(algorithm),
            &good(),
            &EncodingKey::from_secret(secret),
        )
        .unwrap()
    };
    let mut without_exp = good();
    without_exp.as_object_mut().unwrap().remove("exp");
    let mut without_sub = good();
    without_sub.as_object_mut().unwrap().remove("sub");
    let cases = [
        ("alg none", format!("eyJhbGciOiJub25lIn0.{body}.")),
        (
            "alg none without a dot",
            format!("eyJhbGciOiJub25lIn0.{body}"),
        ),
        (
            "another secret",
            signed(Algorithm::HS256, b"another secret of at least 32 bytes"),
        ),
        ("an empty secret", signed(Algorithm::HS256, b"")),
        ("HS384", signed(Algorithm::HS384, SECRET.as_bytes())),
        ("HS512", signed(Algorithm::HS512, SECRET.as_bytes())),
        (
            "no signature",
            good_token.rsplit_once('.').unwrap().0.to_owned(),
        ),
        (
            "expired beyond the leeway",
            with("exp", json!(in_seconds(-6))),
        ),
        ("exp as text", with("exp", json!("9999999999"))),
        ("exp null", with("exp", Value::Null)),
        ("exp negative", with("exp", json!(-1))),
        ("exp beyond all time", with("exp", json!(1e300))),
        ("no exp", hs256(&without_exp)),
        ("not yet valid", with("nbf", json!(in_seconds(60)))),
        ("nbf as text", with("nbf", json!("soon"))),
        ("nbf null", with("nbf", Value::Null)),
        ("no sub", hs256(&without_sub)),
        ("sub empty", with("sub", json!(""))),
        ("sub of 300", with("sub", json!("x".repeat(300)))),
        ("sub with a blank", with("sub", json!("a b"))),
        ("sub with a line break", with("sub", json!("a\nb"))),
        ("sub in Korean", with("sub", json!("회원"))),
        ("sub a list", with("sub", json!(["42"]))),
        ("sub null", with("sub", Value::Null)),
        ("sub a fraction", with("sub", json!(4.2))),
        (
            "claims no object",
            encode(
                &Header::default(),
                &json!([1]),
                &EncodingKey::from_secret(SECRET.as_bytes()),
            )
            .unwrap(),
        ),
        ("not a JWT", "hello".to_owned()),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("half an admin token", ADMIN_TOKEN[..16].to_owned()),
        ("long", "x".repeat(10_000)),
    ];
    for (name, token) in cases {
        for path in ["/whoami", "/actor"] {
            let response = ask(&app, path, &token).await;
            assert_eq!(response.status(), 401, "{name}");
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            failure(response, Code::Unauthenticated, false).await;
        }
    }
}

#[tokio::test]
async fn a_token_of_another_type_or_with_critical_extensions_is_unauthenticated() {
    let app = App::default().await;
    let status = async |header: &Header| {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = encode(header, &good(), &key).unwrap();
        ask(&app, "/whoami", &token).await.status().as_u16()
    };
    let typed = |typ: Option<&str>| Header {
        typ: typ.map(str::to_owned),
        ..Header::default()
    };
    for typ in [
        None,
        Some("JWT"),
        Some("jwt"),
        Some("at+jwt"),
        Some("application/at+jwt"),
    ] {
        assert_eq!(status(&typed(typ)).await, 200, "{typ:?}");
    }
    for typ in ["booking+jwt", "dpop+jwt", "secevent+jwt", "logout+jwt", ""] {
        assert_eq!(status(&typed(Some(typ))).await, 401, "{typ}");
    }
    for critical in [vec!["b64"], vec!["exp"], vec![]] {
        let header = Header {
            crit: Some(critical.iter().map(|name| (*name).to_owned()).collect()),
            ..Header::default()
        };
        assert_eq!(status(&header).await, 401, "{critical:?}");
    }
}

#[tokio::test]
async fn the_leeway_is_a_few_seconds() {
    let app = App::default().await;
    whoami(&app, &with("exp", json!(in_seconds(-3)))).await;
    whoami(&app, &with("nbf", json!(in_seconds(3)))).await;
}

#[tokio::test]
async fn a_request_has_exactly_one_bearer_token() {
    let app = App::default().await;
    let token = hs256(&good());
    for value in [
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        "Bearer".to_owned(),
    ] {
        let response = app
            .get("/whoami")
            .header(header::AUTHORIZATION, value)
            .send()
            .await;
        assert_eq!(response.unwrap().status(), 401);
    }
    let twice = app
        .get("/whoami")
        .header("authorization", format!("Bearer {token}"));
    let twice = twice.header("authorization", format!("Bearer {token}"));
    assert_eq!(twice.send().await.unwrap().status(), 401);
    let query = app
        .get(&format!("/whoami?access_token={token}"))
        .send()
        .await
        .unwrap();
    failure(query, Code::InvalidQuery, false).await;
}

#[tokio::test]
async fn admin_routes_are_for_admins_and_member_routes_for_members() {
    let app = App::default().await;
    let member = hs256(&good());
    failure(ask(&app, "/actor", &member).await, Code::Forbidden, false).await;
    for role in [
        json!("Admin"),
        json!("admin "),
        json!(["member"]),
        json!({ "admin": true }),
        json!(true),
    ] {
        failure(
            ask(&app, "/actor", &with("role", role)).await,
            Code::Forbidden,
            false,
        )
        .await;
    }
    for role in [json!("admin"), json!(["member", "admin"])] {
        let token = with("role", role);
        let body: Value = ask(&app, "/actor", &token).await.json().await.unwrap();
        assert_eq!(body["data"], "42");
        whoami(&app, &token).await;
    }
    let body: Value = ask(&app, "/actor", ADMIN_TOKEN).await.json().await.unwrap();
    assert_eq!(body["data"], "admin token");
    failure(
        ask(&app, "/whoami", ADMIN_TOKEN).await,
        Code::Forbidden,
        false,
    )
    .await;
}
