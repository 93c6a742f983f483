//! Access tokens and booking tokens that prove nothing.

use std::{fs, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    answer::send,
    app::{ADMIN_TOKEN, App, SECRET, admin, in_seconds, member, signed},
};

/// The claims of a booking token, once OpenSSL has found its signature to be by the published key.
pub(crate) fn verified_by_openssl(token: &str, jwks: &Value) -> Value {
    let parts: Vec<_> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        panic!("three parts: {token}");
    };
    let decoded = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .expect("base64url without padding")
    };
    let header: Value = serde_json::from_slice(&decoded(head)).expect("a JSON header");
    assert_eq!(header["alg"], "EdDSA");
    let keys = jwks["keys"].as_array().expect("a JWK set");
    let key = keys
        .iter()
        .find(|key| key["kid"] == header["kid"])
        .expect("a published key");
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    assert!(key.get("d").is_none(), "the private half stays here");
    // RFC 8410: SubjectPublicKeyInfo of Ed25519 is this prefix and the 32 bytes.
    let mut spki = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    spki.extend(decoded(key["x"].as_str().expect("x")));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a new folder takes a file");
        path
    };
    let verify = |message: &str| {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
        ]);
        openssl
            .arg(file("key", &spki))
            .arg("-in")
            .arg(file("message", message.as_bytes()));
        openssl
            .arg("-sigfile")
            .arg(file("signature", &decoded(signature)));
        openssl.output().expect("openssl runs").status.success()
    };
    assert!(
        verify(&format!("{head}.{claims}")),
        "OpenSSL refuses the signature"
    );
    assert!(
        !verify(&format!("{head}.{claims}A")),
        "OpenSSL looks at the message"
    );
    serde_json::from_slice(&decoded(claims)).expect("JSON claims")
}

fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn hs256(claims: &Value, secret: &str, algorithm: Algorithm) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("claims are JSON")
}

#[tokio::test]
async fn a_token_that_is_not_ours_and_good_now_is_no_token() {
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
        hs256(&good, SECRET, Algorithm::HS384),
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
        SECRET.to_owned(),
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
    app.get(&in_query, "").await.fails("UNAUTHENTICATED");
    let lower = app.request(Method::GET, "/v2/waiting-room/status/c", "");
    send(lower.header("Authorization", format!("bearer {token}")))
        .await
        .data(200);
}

#[tokio::test]
async fn a_role_is_exactly_the_admins_role() {
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
    // An admin may stand in line like anyone.
    app.post_json("/v2/waiting-room/enter", &admin(), &body)
        .await
        .data(201);
}

#[tokio::test]
async fn only_my_own_booking_token_for_this_concert_completes_my_session() {
    let app = App::embedded().await;
    for id in ["c", "d"] {
        app.create_by_hand(id).await;
        for who in ["a", "b"] {
            app.enter(id, who).await.data(201);
        }
    }
    let mine = app.admit("c", "a").await;
    let (theirs, elsewhere) = (app.admit("c", "b").await, app.admit("d", "a").await);
    let before = app.line("c").await;
    let complete = |token: &str, booking_token: &str| {
        let request = app.request(Method::POST, "/v2/reservation/complete/c", token);
        send(request.header("X-Queue-Token", booking_token))
    };
    let parts: Vec<_> = mine.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let public = app.get("/.well-known/jwks.json", "").await.body;
    let x = public["keys"][0]["x"].as_str().unwrap();
    let mut head = Header::new(Algorithm::HS256);
    head.kid = header["kid"].as_str().map(str::to_owned);
    let by_public_key = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(x).unwrap());
    let confused = jsonwebtoken::encode(&head, &claims, &by_public_key).unwrap();
    let mut other = claims.clone();
    other["ent"] = json!(1);
    for token in [
        theirs.as_str(),
        elsewhere.as_str(),
        &member("a"),
        &admin(),
        &confused,
        &forged(&header, &other, parts[2]),
        &forged(&json!({"alg": "none", "kid": header["kid"]}), &claims, ""),
        &format!("{}.{}.", parts[0], parts[1]),
        &format!("Bearer {mine}"),
        "",
        "garbage",
        ADMIN_TOKEN,
    ] {
        complete(&member("a"), token)
            .await
            .fails("QUEUE_TOKEN_REQUIRED");
    }
    app.post("/v2/reservation/complete/c", &member("a"))
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    complete("", &mine).await.fails("UNAUTHENTICATED");
    complete(&mine, &mine).await.fails("UNAUTHENTICATED");
    app.get("/v2/waiting-room/status/c", &mine)
        .await
        .fails("UNAUTHENTICATED");
    app.get("/v2/admin/concerts", &mine)
        .await
        .fails("UNAUTHENTICATED");
    assert_eq!(app.line("c").await, before, "both are still inside");
    complete(&member("a"), &mine).await.data(200);
    assert_eq!(app.line("c").await["counts"]["inside"], 1);
    // A token of an earlier session ends no later one.
    app.enter("c", "a").await.data(201);
    app.admit("c", "a").await;
    complete(&member("a"), &mine).await.data(200);
    assert_eq!(app.status("c", "a").await["status"], "ENTERED");
}
