//! Access tokens signed with keys that a login publishes at a URL.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{ADMIN_TOKEN, App, auth_with, failure};
use aws_lc_rs::{
    encoding::AsDer,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use axum::{Router, http::StatusCode, routing::get};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode, get_current_timestamp,
    jwk::{Jwk, JwkSet},
};
use pem::Pem;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use sunbeon_chassis::Auth;
use sunbeon_domain::Code;
use sunbeon_test_support::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(20);

/// A login's key.
struct Key {
    kid: &'static str,
    algorithm: Algorithm,
    signs: EncodingKey,
}

impl Key {
    fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let pem = |der: &[u8]| pem::encode(&Pem::new("PRIVATE KEY", der)).into_bytes();
        let signs = match algorithm {
            Algorithm::RS256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
                EncodingKey::from_rsa_pem(&pem(der.as_ref()))
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                EncodingKey::from_ec_pem(&pem(pair.to_pkcs8v1().unwrap().as_ref()))
            }
            _ => {
                let pair = Ed25519KeyPair::generate().unwrap();
                EncodingKey::from_ed_pem(&pem(pair.to_pkcs8v1().unwrap().as_ref()))
            }
        };
        Self {
            kid,
            algorithm,
            signs: signs.unwrap(),
        }
    }

    fn ed(kid: &'static str) -> Self {
        Self::new(kid, Algorithm::EdDSA)
    }

    fn published(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.signs, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        jwk
    }

    fn token(&self) -> String {
        self.token_as(Some(self.kid))
    }

    fn token_as(&self, kid: Option<&str>) -> String {
        signed(self.algorithm, kid, &self.signs)
    }
}

fn signed(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let header = Header {
        kid: kid.map(str::to_owned),
        ..Header::new(algorithm)
    };
    let claims = json!({
        "iss": "login", "aud": "sunbeon", "sub": "42", "exp": get_current_timestamp() + 3600,
    });
    encode(&header, &claims, key).unwrap()
}

/// A login's published keys, with a count of the fetches.
struct Login {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Login {
    async fn start(keys: &[&Key]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (now, count) = (answer.clone(), asked.clone());
        let jwks = move || {
            count.fetch_add(1, Ordering::Relaxed);
            let answer = now.lock().unwrap().clone();
            async move { answer }
        };
        let router = Router::new().route("/jwks.json", get(jwks));
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        let login = Self {
            url,
            answer,
            asked,
            serving: tokio::spawn(serving),
        };
        login.publish(keys);
        login
    }

    fn publish(&self, keys: &[&Key]) {
        let keys = keys.iter().map(|key| key.published()).collect();
        self.answer_with(
            StatusCode::OK,
            &serde_json::to_string(&JwkSet { keys }).unwrap(),
        );
    }

    fn answer_with(&self, status: StatusCode, text: &str) {
        *self.answer.lock().unwrap() = (status, text.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn auth(&self, algorithm: &str) -> Auth {
        let settings = [
            ("SUNBEON__AUTH__JWKS_URL", self.url.as_str()),
            ("SUNBEON__AUTH__ALGORITHM", algorithm),
            ("SUNBEON__AUTH__ISSUER", "login"),
            ("SUNBEON__AUTH__AUDIENCE", "sunbeon"),
            ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
        ];
        auth_with(&settings).unwrap()
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn ask(app: &App, token: &str) -> reqwest::Response {
    app.get("/whoami").bearer_auth(token).send().await.unwrap()
}

async fn status(app: &App, token: &str) -> u16 {
    ask(app, token).await.status().as_u16()
}

/// Advances the timers without waiting.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn keys_of_every_algorithm_verify_only_their_own_tokens() {
    let keys = [
        ("RS256", Key::new("rsa", Algorithm::RS256)),
        ("ES256", Key::new("ec", Algorithm::ES256)),
        ("EdDSA", Key::new("ed", Algorithm::EdDSA)),
    ];
    let all: Vec<_> = keys.iter().map(|(_, key)| key).collect();
    let login = Login::start(&all).await;
    for (pinned, _) in &keys {
        let app = App::with_auth(&login.auth(pinned)).await;
        for (name, key) in &keys {
            let expected = if name == pinned { 200 } else { 401 };
            assert_eq!(
                status(&app, &key.token()).await,
                expected,
                "{name} at {pinned}"
            );
            // Signed with another key's id.
            for other in &all {
                let expected = if other.kid == key.kid { expected } else { 401 };
                let token = key.token_as(Some(other.kid));
                assert_eq!(
                    status(&app, &token).await,
                    expected,
                    "{name} as {}",
                    other.kid
                );
            }
        }
    }
}

#[tokio::test]
async fn a_public_key_cannot_be_used_as_an_hmac_secret() {
    let key = Key::new("rsa", Algorithm::RS256);
    let login = Login::start(&[&key]).await;
    let app = App::with_auth(&login.auth("RS256")).await;
    assert_eq!(status(&app, &key.token()).await, 200);
    let jwks = login.answer.lock().unwrap().1.clone();
    let published: Value = serde_json::from_str(&jwks).unwrap();
    let n = published["keys"][0]["n"].as_str().unwrap().to_owned();
    for secret in [jwks.as_str(), &n, "rsa", ""] {
        let secret = EncodingKey::from_secret(secret.as_bytes());
        let token = signed(Algorithm::HS256, Some("rsa"), &secret);
        assert_eq!(status(&app, &token).await, 401);
    }
    assert_eq!(status(&app, &key.token_as(None)).await, 401);
}

#[tokio::test]
async fn before_the_keys_are_fetched_no_token_can_be_checked() {
    let key = Key::ed("a");
    let login = Login::start(&[&key]).await;
    login.answer_with(StatusCode::INTERNAL_SERVER_ERROR, "");
    let app = App::with_auth(&login.auth("EdDSA")).await;
    let response = ask(&app, &key.token()).await;
    assert!(response.headers().contains_key(RETRY_AFTER));
    failure(response, Code::KeysDown, false).await;
    // Anything that is not a token is still refused, and static tokens need no keys.
    assert_eq!(status(&app, "x").await, 401);
    let scripts = app.get("/actor").bearer_auth(ADMIN_TOKEN).send().await;
    assert_eq!(scripts.unwrap().status(), 200);
    login.publish(&[&key]);
    later(11).await;
    assert_eq!(status(&app, &key.token()).await, 200);
}

#[tokio::test]
async fn an_unknown_key_is_looked_up_at_most_once_in_ten_seconds() {
    let (old, new) = (Key::ed("old"), Key::ed("new"));
    let login = Login::start(&[&old]).await;
    let app = App::with_auth(&login.auth("EdDSA")).await;
    assert_eq!(status(&app, &old.token()).await, 200);
    assert_eq!(login.asked(), 1);
    for _ in 0..20 {
        assert_eq!(status(&app, &new.token()).await, 401);
    }
    assert_eq!(login.asked(), 1);
    // Published while nobody looked: the first request with the new key causes a fetch and is let
    // in.
    login.publish(&[&old, &new]);
    later(11).await;
    assert_eq!(status(&app, &new.token()).await, 200);
    assert_eq!(status(&app, &old.token()).await, 200);
    assert_eq!(login.asked(), 2);
    // Tokens that no published key could have signed cause no fetch.
    later(11).await;
    let hs256 = EncodingKey::from_secret(b"x");
    for token in [
        new.token_as(None),
        signed(Algorithm::HS256, Some("unknown"), &hs256),
        "x.y.z".to_owned(),
    ] {
        assert_eq!(status(&app, &token).await, 401);
    }
    assert_eq!(login.asked(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_the_next_fetch() {
    let (old, new) = (Key::ed("old"), Key::ed("new"));
    let login = Login::start(&[&old, &new]).await;
    let auth = login.auth("EdDSA");
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn(auth.clone().keep_fresh(shutdown.clone()));
    let app = App::with_auth(&auth).await;
    assert_eq!(status(&app, &old.token()).await, 200);
    assert_eq!(status(&app, &new.token()).await, 200);
    login.publish(&[&new]);
    later(61).await;
    eventually(SOON, "the withdrawn key is refused", async || {
        status(&app, &old.token()).await == 401
    })
    .await;
    assert_eq!(status(&app, &new.token()).await, 200);
    shutdown.cancel();
    keeping.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failed_fetch_keeps_the_previous_keys() {
    let key = Key::ed("a");
    let login = Login::start(&[&key]).await;
    let auth = login.auth("EdDSA");
    let keeping = tokio::spawn(auth.clone().keep_fresh(CancellationToken::new()));
    let app = App::with_auth(&auth).await;
    assert_eq!(status(&app, &key.token()).await, 200);
    let of_no_use = serde_json::to_string(&JwkSet {
        keys: vec![Key::new("rsa", Algorithm::RS256).published()],
    });
    for (status_code, text) in [
        (StatusCode::INTERNAL_SERVER_ERROR, ""),
        (StatusCode::OK, "<html>"),
        (StatusCode::OK, r#"{"keys":[]}"#),
        (StatusCode::OK, &of_no_use.unwrap()),
    ] {
        login.answer_with(status_code, text);
        let before = login.asked();
        later(61).await;
        eventually(SOON, "the login is asked twice", async || {
            login.asked() > before + 1
        })
        .await;
        assert_eq!(status(&app, &key.token()).await, 200, "{text}");
        assert_eq!(status(&app, &Key::ed("b").token()).await, 401, "{text}");
    }
    keeping.abort();
}

#[tokio::test]
async fn unusable_keys_are_skipped() {
    let key = Key::ed("a");
    let login = Login::start(&[&key]).await;
    let mut set: Value = serde_json::to_value(JwkSet {
        keys: vec![key.published()],
    })
    .unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    let encrypts = Key::ed("enc");
    let mut for_encryption = serde_json::to_value(encrypts.published()).unwrap();
    for_encryption["use"] = json!("enc");
    let mut nameless = serde_json::to_value(Key::ed("x").published()).unwrap();
    nameless.as_object_mut().unwrap().remove("kid");
    keys.extend([
        json!({ "kty": "of tomorrow", "kid": "t" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "malformed", "x": "!" }),
        for_encryption,
        nameless,
    ]);
    login.answer_with(StatusCode::OK, &set.to_string());
    let app = App::with_auth(&login.auth("EdDSA")).await;
    assert_eq!(status(&app, &key.token()).await, 200);
    assert_eq!(status(&app, &encrypts.token()).await, 401);
}

#[tokio::test]
async fn without_a_jwks_url_keeping_fresh_only_waits_for_shutdown() {
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn(crate::support::auth().keep_fresh(shutdown.clone()));
    later(120).await;
    assert!(!keeping.is_finished());
    shutdown.cancel();
    keeping.await.unwrap().unwrap();
}
