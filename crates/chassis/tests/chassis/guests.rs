//! Guest tokens beside access tokens.

use std::{collections::HashSet, time::Duration};

use crate::support::{App, SECRET, auth, auth_with, failure};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use sunbeon_chassis::Auth;
use sunbeon_domain::{Code, MemberId};

const GUESTS: &str = "the secret of guest tokens, 32 bytes or more";
const KID: &str = "sunbeon-guest";

fn with_guests() -> Auth {
    auth_with(&[
        ("SUNBEON__AUTH__HS256_SECRET", SECRET),
        ("SUNBEON__AUTH__GUEST_SECRET", GUESTS),
    ])
    .unwrap()
}

async fn ask(app: &App, path: &str, token: &str) -> reqwest::Response {
    app.get(path).bearer_auth(token).send().await.unwrap()
}

/// Returns a token with a guest's header, signed with any secret.
fn token(kid: Option<&str>, algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let header = Header {
        kid: kid.map(str::to_owned),
        ..Header::new(algorithm)
    };
    encode(
        &header,
        claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

fn claims() -> Value {
    json!({ "iss": KID, "sub": "guest:1", "exp": get_current_timestamp() + 60 })
}

fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

#[tokio::test]
async fn each_guest_is_a_new_member_for_a_day() {
    let auth = with_guests();
    let app = App::with_auth(&auth).await;
    let mut ids = HashSet::new();
    for _ in 0..10 {
        let before = i64::try_from(get_current_timestamp()).unwrap();
        let guest = auth.issue_guest().unwrap();
        assert!(guest.id.is_guest());
        let life = guest.expires_at.0 / 1000 - before;
        assert!((86_400..86_460).contains(&life), "{life}");
        let response = ask(&app, "/whoami", &guest.token).await;
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["data"], json!([guest.id.as_str(), ""]));
        ids.insert(guest.id);
    }
    assert_eq!(ids.len(), 10);
}

#[tokio::test]
async fn a_guest_token_is_valid_wherever_the_secret_is_the_same() {
    let guest = with_guests().issue_guest().unwrap();
    let other = App::with_auth(&with_guests()).await;
    assert_eq!(ask(&other, "/whoami", &guest.token).await.status(), 200);
    let none = App::with_auth(&auth()).await;
    failure(
        ask(&none, "/whoami", &guest.token).await,
        Code::Unauthenticated,
        false,
    )
    .await;
    assert!(auth().issue_guest().is_err());
}

#[tokio::test]
async fn a_guest_is_never_an_admin_nor_an_origin() {
    let auth = with_guests();
    let app = App::with_auth(&auth).await;
    let issued = auth.issue_guest().unwrap().token;
    // Nobody else can sign guest tokens, but if the role were read, this would show it.
    let with_role = token(
        Some(KID),
        Algorithm::HS256,
        &with("role", json!("admin")),
        GUESTS,
    );
    for token in [issued, with_role] {
        assert_eq!(ask(&app, "/whoami", &token).await.status(), 200);
        for path in ["/actor", "/origin"] {
            failure(ask(&app, path, &token).await, Code::Forbidden, false).await;
        }
    }
}

#[tokio::test]
async fn login_tokens_and_guest_tokens_are_not_interchangeable() {
    let app = App::with_auth(&with_guests()).await;
    let member = json!({ "sub": "42", "exp": get_current_timestamp() + 60 });
    let hs256 = Algorithm::HS256;
    let good = token(Some(KID), hs256, &claims(), GUESTS);
    assert_eq!(ask(&app, "/whoami", &good).await.status(), 200);
    let good = token(Some("any"), hs256, &member, SECRET);
    assert_eq!(ask(&app, "/whoami", &good).await.status(), 200);
    let guest_id = |id: &str| json!({ "sub": id, "exp": get_current_timestamp() + 60 });
    for (name, token) in [
        ("a login's guest", token(None, hs256, &claims(), SECRET)),
        (
            "a login's guest by id",
            token(None, hs256, &guest_id("guest:1"), SECRET),
        ),
        (
            "a login's bare guest",
            token(None, hs256, &guest_id("guest:"), SECRET),
        ),
        (
            "a guest by the login's secret",
            token(Some(KID), hs256, &claims(), SECRET),
        ),
        ("a guest without kid", token(None, hs256, &claims(), GUESTS)),
        (
            "a guest of another kid",
            token(Some("guest"), hs256, &claims(), GUESTS),
        ),
        (
            "a member by the guests' secret",
            token(None, hs256, &member, GUESTS),
        ),
        (
            "a member's id in a guest token",
            token(Some(KID), hs256, &with("sub", json!("42")), GUESTS),
        ),
        (
            "another algorithm",
            token(Some(KID), Algorithm::HS512, &claims(), GUESTS),
        ),
        (
            "another issuer",
            token(Some(KID), hs256, &with("iss", json!("login")), GUESTS),
        ),
        (
            "no issuer",
            token(Some(KID), hs256, &without("iss"), GUESTS),
        ),
        ("no end", token(Some(KID), hs256, &without("exp"), GUESTS)),
        ("no id", token(Some(KID), hs256, &without("sub"), GUESTS)),
        (
            "past its end",
            token(
                Some(KID),
                hs256,
                &with("exp", json!(get_current_timestamp() - 6)),
                GUESTS,
            ),
        ),
        (
            "another secret",
            token(
                Some(KID),
                hs256,
                &claims(),
                "another secret of 32 bytes or more",
            ),
        ),
    ] {
        for path in ["/whoami", "/actor", "/origin"] {
            let response = ask(&app, path, &token).await;
            assert_eq!(response.status(), 401, "{name}");
        }
    }
}

#[test]
fn a_login_token_cannot_name_a_guest() {
    let id = MemberId::parse("guest:1").unwrap();
    let refused = with_guests().issue(&id, "", false, Duration::from_secs(60));
    assert!(refused.is_err());
}
