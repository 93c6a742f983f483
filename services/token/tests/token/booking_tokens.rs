//! Only a member's own booking token for the concert ends the session.

use std::{fs, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sunbeon_domain::Status;
use sunbeon_test_support::{
    Method,
    access::{ADMIN_TOKEN, admin, member},
    send,
};

use crate::app::App;

/// Returns a booking token's claims after OpenSSL has verified its signature with the published
/// key.
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
        fs::write(&path, content).expect("a new folder is writable");
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
        "OpenSSL really checks the message"
    );
    serde_json::from_slice(&decoded(claims)).expect("JSON claims")
}

fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn only_my_own_booking_token_for_this_concert_completes_my_session() {
    let app = App::embedded().await;
    for id in ["c", "d"] {
        app.stage.create_by_hand(id).await;
        for who in ["a", "b"] {
            app.stage.enter(id, who).await;
        }
    }
    let mine = app.admit("c", "a").await;
    let (theirs, elsewhere) = (app.admit("c", "b").await, app.admit("d", "a").await);
    let before = app.stage.snapshot("c").await.counts;
    let complete = |token: &str, booking_token: &str| {
        let path = "/v2/reservation/complete/c";
        let request = app.api.request(Method::POST, path, token);
        send(request.header("X-Queue-Token", booking_token))
    };
    let parts: Vec<_> = mine.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let public = app.api.get("/.well-known/jwks.json", "").await.body;
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
    app.api
        .post("/v2/reservation/complete/c", &member("a"))
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    complete("", &mine).await.fails("UNAUTHENTICATED");
    complete(&mine, &mine).await.fails("UNAUTHENTICATED");
    app.api
        .get("/v2/reservation/token/c", &mine)
        .await
        .fails("UNAUTHENTICATED");
    assert_eq!(
        app.stage.snapshot("c").await.counts,
        before,
        "both are still inside"
    );
    complete(&member("a"), &mine).await.data(200);
    assert_eq!(app.stage.snapshot("c").await.counts.inside, 1);
    // A token of an earlier session does not end a later one.
    app.stage.enter("c", "a").await;
    app.admit("c", "a").await;
    complete(&member("a"), &mine).await.data(200);
    assert_eq!(app.stage.standing("c", "a").await.status, Status::Entered);
}
