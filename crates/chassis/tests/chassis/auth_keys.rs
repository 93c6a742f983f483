//! The keys and algorithms that verify access tokens.

use std::io::Write;

use crate::support::{App, SECRET, auth_with};
use axum::http::header;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use sunbeon_tokens::SigningKeys;

const ISSUER: (&str, &str) = ("SUNBEON__AUTH__ISSUER", "https://login.example");
const AUDIENCE: (&str, &str) = ("SUNBEON__AUTH__AUDIENCE", "sunbeon");

fn good() -> Value {
    json!({ "sub": "42", "exp": get_current_timestamp() + 60 })
}

fn for_us() -> Value {
    let mut claims = good();
    claims["iss"] = ISSUER.1.into();
    claims["aud"] = AUDIENCE.1.into();
    claims
}

async fn whoami(app: &App, token: &str) -> u16 {
    let request = app
        .get("/whoami")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    request.send().await.unwrap().status().as_u16()
}

/// Starts an app with these settings.
async fn app_with(variables: &[(&str, &str)]) -> App {
    App::with_auth(&auth_with(variables).unwrap()).await
}

#[tokio::test]
async fn issuer_and_audience_are_required_once_they_are_set() {
    let app = app_with(&[("SUNBEON__AUTH__HS256_SECRET", SECRET), ISSUER, AUDIENCE]).await;
    let status = async |iss: Value, aud: Value| {
        let mut claims = good();
        for (claim, value) in [("iss", iss), ("aud", aud)] {
            if !value.is_null() {
                claims[claim] = value;
            }
        }
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        whoami(&app, &encode(&Header::default(), &claims, &key).unwrap()).await
    };
    let (iss, aud) = (json!("https://login.example"), json!("sunbeon"));
    assert_eq!(status(iss.clone(), aud.clone()).await, 200);
    assert_eq!(status(iss.clone(), json!(["other", "sunbeon"])).await, 200);
    assert_eq!(status(json!([iss]), aud.clone()).await, 200);
    assert_eq!(status(iss.clone(), json!(["other"])).await, 401);
    assert_eq!(status(iss.clone(), json!([])).await, 401);
    assert_eq!(status(Value::Null, aud.clone()).await, 401);
    assert_eq!(status(iss.clone(), Value::Null).await, 401);
    assert_eq!(status(json!("https://evil.example"), aud).await, 401);
    assert_eq!(status(iss, json!("another")).await, 401);
}

#[tokio::test]
async fn a_jwks_pins_algorithm_and_key() {
    let keys = SigningKeys::generate().unwrap();
    let jwks = serde_json::to_string(&keys.jwks()).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(jwks.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let app = app_with(&[
        ("SUNBEON__AUTH__JWKS_FILE", path),
        ("SUNBEON__AUTH__ALGORITHM", "EdDSA"),
        ISSUER,
        AUDIENCE,
    ])
    .await;
    let signed = |kid: Option<&str>, keys: &SigningKeys| {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(Algorithm::EdDSA)
        };
        let key = EncodingKey::from_ed_pem(keys.to_pem().as_bytes()).unwrap();
        encode(&header, &for_us(), &key).unwrap()
    };
    let (kid, stranger) = (keys.active_kid(), SigningKeys::generate().unwrap());
    assert_eq!(whoami(&app, &signed(Some(kid), &keys)).await, 200);
    for token in [
        signed(None, &keys),
        signed(Some("unknown"), &keys),
        signed(Some(kid), &stranger),
        signed(Some(stranger.active_kid()), &stranger),
    ] {
        assert_eq!(whoami(&app, &token).await, 401);
    }
    let published: Value = serde_json::from_str(&jwks).unwrap();
    let x = published["keys"][0]["x"].as_str().unwrap();
    for secret in [x.as_bytes(), jwks.as_bytes(), kid.as_bytes()] {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let token = encode(&header, &for_us(), &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(whoami(&app, &token).await, 401);
    }
    let error = refused(&[("SUNBEON__AUTH__JWKS_FILE", path), ISSUER, AUDIENCE]);
    assert!(error.contains("no key for RS256"), "{error}");
}

#[test]
fn a_jwks_url_without_issuer_and_audience_is_refused() {
    for keys in [
        ("SUNBEON__AUTH__JWKS_FILE", "/no/such/file"),
        ("SUNBEON__AUTH__JWKS_URL", "http://login.example/jwks.json"),
    ] {
        for too_few in [vec![keys], vec![keys, ISSUER], vec![keys, AUDIENCE]] {
            let error = refused(&too_few);
            assert!(
                error.contains("SUNBEON__AUTH__ISSUER and SUNBEON__AUTH__AUDIENCE must be set"),
                "{error}"
            );
        }
    }
}

/// Returns the error for these settings.
fn refused(variables: &[(&str, &str)]) -> String {
    let refused = auth_with(variables).err();
    format!("{:#}", refused.expect("must be refused"))
}

#[test]
fn weak_or_missing_keys_are_refused_at_start() {
    let secret = ("SUNBEON__AUTH__HS256_SECRET", SECRET);
    for (variables, says) in [
        (
            vec![],
            "one of SUNBEON__AUTH__HS256_SECRET, SUNBEON__AUTH__JWKS_FILE and SUNBEON__AUTH__JWKS_URL must be set",
        ),
        (
            vec![(
                "SUNBEON__AUTH__HS256_SECRET",
                "only 31 bytes, which is too few",
            )],
            "32 bytes",
        ),
        (
            vec![secret, ("SUNBEON__AUTH__ADMIN_TOKEN", "fifteen-letters")],
            "16 characters",
        ),
        (
            vec![secret, ("SUNBEON__AUTH__JWKS_FILE", "/no/such/file")],
            "only one of",
        ),
        (
            vec![secret, ("SUNBEON__AUTH__JWKS_URL", "http://login.example")],
            "only one of",
        ),
        (
            vec![
                ("SUNBEON__AUTH__JWKS_URL", "login.example/jwks.json"),
                ISSUER,
                AUDIENCE,
            ],
            "SUNBEON__AUTH__JWKS_URL: not an http",
        ),
        (
            vec![secret, ("SUNBEON__AUTH__ORIGIN_TOKEN", "fifteen-letters")],
            "SUNBEON__AUTH__ORIGIN_TOKEN must have at least 16 characters",
        ),
        (
            vec![
                secret,
                ("SUNBEON__AUTH__ADMIN_TOKEN", "one-token-for-both"),
                ("SUNBEON__AUTH__ORIGIN_TOKEN", "one-token-for-both"),
            ],
            "must differ",
        ),
        (
            vec![
                secret,
                (
                    "SUNBEON__AUTH__GUEST_SECRET",
                    "only 31 bytes, which is too few",
                ),
            ],
            "SUNBEON__AUTH__GUEST_SECRET: a secret that signs tokens must have at least 32 bytes",
        ),
        (
            vec![secret, ("SUNBEON__AUTH__GUEST_SECRET", SECRET)],
            "must differ",
        ),
        // A holder of one of these could sign tokens of any member.
        (
            vec![secret, ("SUNBEON__AUTH__ORIGIN_TOKEN", SECRET)],
            "must differ",
        ),
        (
            vec![
                secret,
                (
                    "SUNBEON__AUTH__GUEST_SECRET",
                    "one long secret for guests and admins",
                ),
                (
                    "SUNBEON__AUTH__ADMIN_TOKEN",
                    "one long secret for guests and admins",
                ),
            ],
            "must differ",
        ),
        (
            vec![
                ("SUNBEON__AUTH__JWKS_FILE", "/no/such/file"),
                ISSUER,
                AUDIENCE,
            ],
            "/no/such/file",
        ),
        (
            vec![("SUNBEON__AUTH__JWKS_FILE", "Cargo.toml"), ISSUER, AUDIENCE],
            "not a JWKS",
        ),
    ] {
        let error = refused(&variables);
        assert!(error.contains(says), "{error}");
        for secret in [SECRET, "fifteen-letters", "one-token-for-both", "31 bytes"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}
