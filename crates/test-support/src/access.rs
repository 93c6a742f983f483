//! Access tokens, and the secrets that services under test share with the tests.

use jsonwebtoken::{EncodingKey, Header, dangerous::insecure_decode_claims, get_current_timestamp};
use serde_json::{Value, json};

/// The secret that signs access tokens.
pub const HS256_SECRET: &str = "a secret of the tests, long enough for HS256";
/// The static admin token.
pub const ADMIN_TOKEN: &str = "an-admin-token-of-the-tests";
/// The origin token of shops' back ends.
pub const ORIGIN_TOKEN: &str = "an-origin-token-of-the-tests";
/// The secret that signs passes.
pub const PASS_SECRET: &str = "a secret of the tests for passes, long enough";
/// The secret that signs guest tokens.
pub const GUEST_SECRET: &str = "a secret of the tests for guests, long enough";

/// The settings with which a service accepts these secrets.
pub const SETTINGS: [(&str, &str); 5] = [
    ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET),
    ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
    ("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN),
    ("SUNBEON__AUTH__GUEST_SECRET", GUEST_SECRET),
    ("SUNBEON__AUTH__PASS_SECRET", PASS_SECRET),
];

/// Returns an access token of a member named `이름`, or of a guest if the id is a guest's.
pub fn member(id: &str) -> String {
    let exp = in_seconds(3600);
    if id.starts_with("guest:") {
        let header = Header {
            kid: Some("sunbeon-guest".to_owned()),
            ..Header::default()
        };
        let claims = json!({"iss": "sunbeon-guest", "sub": id, "exp": exp});
        return encode(&header, &claims, GUEST_SECRET);
    }
    signed(&json!({"sub": id, "name": "이름", "exp": exp}))
}

/// Returns an access token of an admin called `operator`.
pub fn admin() -> String {
    signed(&json!({"sub": "operator", "role": "admin", "exp": in_seconds(3600)}))
}

/// Signs claims as an access token.
pub fn signed(claims: &Value) -> String {
    encode(&Header::default(), claims, HS256_SECRET)
}

/// Returns the claims of a JWT without checking its signature.
///
/// # Panics
/// If it is not a JWT.
pub fn claims(token: &str) -> Value {
    insecure_decode_claims(token).unwrap_or_else(|error| panic!("{error}: {token}"))
}

/// Returns the Unix time this many seconds from now.
pub fn in_seconds(seconds: i64) -> i64 {
    get_current_timestamp().cast_signed() + seconds
}

fn encode(header: &Header, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(header, claims, &key).expect("claims are JSON")
}
