//! Access tokens and booking tokens that prove nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::{
    access::{ADMIN_TOKEN, HS256_SECRET, admin, in_seconds, member, signed},
    send,
};

use crate::app::App;

fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn hs256(claims: &Value, secret: &str, algorithm: Algorithm) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("claims are JSON")
}

#[tokio::test]
async fn foreign_and_expired_tokens_are_refused() {
    let app = App::embedded().await;
    app.create_by_hand("c").await;
    let good = json!({"sub": "a", "role": "admin", "exp": in_seconds(3600)});
    let token = signed(&good);
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let richer = URL_SAFE_NO_PAD.encode(json!({"sub": "root", "exp": in_seconds(9)}).to_string());
    let public = app.get("/.well-known/jwks.json", "").await.text;
    let bad = [
        signed(&json!({"sub": "a", "role": "admin", "exp": in_seconds(-10)})),
        signed(&json!({"sub": "a", "role": "admin"})),
        signed(&json!({"sub": "a", "exp": "tomorrow"})),
        signed(&json!({"sub": "a", "exp": in_seconds(99), "nbf": in_seconds(60)})),
        signed(&json!({"exp": in_seconds(99)})),
        signed(&json!({"sub": "", "exp": in_seconds(99)})),
        signed(&json!({"sub": "a b", "exp": in_seconds(99)})),
        signed(&json!({"sub": "회원", "exp": in_seconds(99)})),
        signed(&json!({"sub": "x".repeat(256), "exp": in_seconds(99)})),
        signed(&json!({"sub": ["a"], "exp": in_seconds(99)})),
        signed(&json!({"sub": null, "exp": in_seconds(99)})),
        hs256(
            &good,
            "another secret, just as long as ours is",
            Algorithm::HS256,
        ),
        hs256(&good, HS256_SECRET, Algorithm::HS384),
        hs256(&good, &public, Algorithm::HS256),
        forged(&json!({"alg": "none", "typ": "JWT"}), &good, ""),
        forged(&json!({"alg": "None"}), &good, signature),
        forged(&json!({"alg": "HS256"}), &good, ""),
        forged(&json!({"alg": "RS256"}), &good, signature),
        forged(&json!({"typ": "JWT"}), &good, signature),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        format!("{head}.{richer}.{signature}"),
        format!("{head}.{claims}.{signature}.{signature}"),
        format!("{token}x"),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "x".repeat(8_000),
        HS256_SECRET.to_owned(),
        format!("{ADMIN_TOKEN}x"),
        ADMIN_TOKEN[1..].to_owned(),
        "null".to_owned(),
    ];
    for token in bad {
        for path in ["/v2/waiting-room/status/c", "/v2/admin/concerts/c"] {
            let refused = app.get(path, &token).await;
            let shown: String = token.chars().take(80).collect();
            assert_eq!(refused.body["code"], "UNAUTHENTICATED", "{path} {shown}");
            assert_eq!(refused.header("www-authenticate"), "Bearer");
        }
    }
    let raw = [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Digest x",
        token.as_str(),
    ];
    let raw = raw
        .map(str::to_owned)
        .into_iter()
        .chain([format!("Basic {token}")]);
    for header in raw {
        let request = app.request(Method::GET, "/v2/waiting-room/status/c", "");
        let refused = send(request.header("Authorization", &header)).await;
        assert_eq!(refused.body["code"], "UNAUTHENTICATED", "{header}");
    }
    let twice = app.request(Method::GET, "/v2/waiting-room/status/c", &token);
    send(twice.bearer_auth(member("b")))
        .await
        .fails("UNAUTHENTICATED");
    let in_query = format!("/v2/waiting-room/status/c?access_token={token}");
    app.get(&in_query, "").await.fails("INVALID_QUERY");
    let lower = app.request(Method::GET, "/v2/waiting-room/status/c", "");
    send(lower.header("Authorization", format!("bearer {token}")))
        .await
        .data(200);
}

#[tokio::test]
async fn only_the_exact_admin_role_makes_an_admin() {
    let app = App::embedded().await;
    let as_role = |role: Value| {
        signed(
            &json!({"sub": "a", "role": role, "roles": "admin", "admin": true,
            "exp": in_seconds(60)}),
        )
    };
    for role in [
        json!(null),
        json!("Admin"),
        json!("administrator"),
        json!(" admin"),
        json!([]),
        json!(["user"]),
        json!([["admin"]]),
        json!({"admin": true}),
        json!(true),
        json!(""),
    ] {
        app.get("/v2/admin/concerts", &as_role(role))
            .await
            .fails("FORBIDDEN");
    }
    for role in [json!("admin"), json!(["user", "admin"])] {
        app.get("/v2/admin/concerts", &as_role(role))
            .await
            .data(200);
    }
    app.get("/v2/admin/concerts", &member("a"))
        .await
        .fails("FORBIDDEN");
    app.get("/v2/admin/concerts", ADMIN_TOKEN).await.data(200);
    app.create_by_hand("c").await;
    app.get("/v2/waiting-room/status/c", ADMIN_TOKEN)
        .await
        .fails("FORBIDDEN");
    let body = json!({"concertId": "c"});
    app.post_json("/v2/waiting-room/enter", ADMIN_TOKEN, &body)
        .await
        .fails("FORBIDDEN");
    // An admin may stand in line like anyone else.
    app.post_json("/v2/waiting-room/enter", &admin(), &body)
        .await
        .data(201);
}
