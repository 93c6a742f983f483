//! Prints the test vectors of booking tokens, `docs/gate/token-vectors.json`:
//! `cargo run -p sunbeon-tokens --example vectors > docs/gate/token-vectors.json`.
//!
//! The keys are the public ones of RFC 8032 §7.1, for tests only.

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Serialize;
use serde_json::Value;
use sunbeon_tokens::{AUDIENCE, JwkSet, SigningKeys, TYPE};

const DESCRIPTION: &str = "Booking tokens and what a gate makes of them: a token is good for a \
visit of memberId to concertId at now (Unix seconds) if valid is true. Made by cargo run -p \
sunbeon-tokens --example vectors. The keys are those of RFC 8032, section 7.1: public, and \
only for tests.";
const ISSUER: &str = "sunbeon";
const NOW: i64 = 1_763_640_000;
/// RFC 8032 §7.1, TEST 1 and TEST 2; both are published.
const LISTED: [&str; 2] = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
];
/// TEST 3; it is not published.
const STRANGER: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";

#[derive(Serialize)]
struct Document {
    description: &'static str,
    issuer: &'static str,
    audience: &'static str,
    jwks: JwkSet,
    vectors: Vec<Vector>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    name: &'static str,
    token: String,
    concert_id: &'static str,
    member_id: &'static str,
    now: i64,
    valid: bool,
    reason: &'static str,
}

fn main() {
    print!("{}", document());
}

/// Returns the file's contents, byte for byte.
pub(crate) fn document() -> String {
    let keys = SigningKeys::from_pem(&LISTED.map(pem).concat()).expect("two Ed25519 keys");
    let mut vectors = good();
    vectors.extend(bad_claims());
    vectors.extend(bad_signatures());
    vectors.extend(no_tokens());
    let document = Document {
        description: DESCRIPTION,
        issuer: ISSUER,
        audience: AUDIENCE,
        jwks: keys.jwks(),
        vectors,
    };
    let text = serde_json::to_string_pretty(&document).expect("texts and numbers are JSON");
    text + "\n"
}

fn good() -> Vec<Vector> {
    let visit = |name, token, reason| Vector {
        valid: true,
        ..bad(name, token, reason)
    };
    vec![
        visit("good", signed(0, &claims()), "signed by the first key"),
        visit(
            "good by the second key",
            signed(1, &claims()),
            "both keys are listed",
        ),
        Vector {
            now: NOW + 599,
            ..visit(
                "good in its last second",
                signed(0, &claims()),
                "exp is now + 1",
            )
        },
        visit(
            "good with a claim that nobody knows",
            signed(0, &with("note", Value::from("x"))),
            "unknown claims are ignored",
        ),
        visit(
            "good with a header that nobody knows",
            under(r#","note":"x""#),
            "unknown headers are ignored",
        ),
        visit(
            "good with the type of older servers",
            typed("JWT"),
            "typ is booking+jwt, or JWT from older servers",
        ),
        visit(
            "good with its whole media type",
            typed("application/BOOKING+JWT"),
            "typ may begin with application/ and is compared without regard to case",
        ),
    ]
}

fn bad_claims() -> Vec<Vector> {
    let token = || signed(0, &claims());
    let changed =
        |name, claim, value: Value, reason| bad(name, signed(0, &with(claim, value)), reason);
    let lacking = |name, claim, reason| bad(name, signed(0, &without(claim)), reason);
    vec![
        Vector {
            now: NOW + 600,
            ..bad("expired", token(), "exp is now: no leeway")
        },
        Vector {
            concert_id: "other",
            ..bad("other concert", token(), "cid is another")
        },
        Vector {
            concert_id: "Demo",
            ..bad(
                "other case of the concert",
                token(),
                "ids are compared byte for byte",
            )
        },
        Vector {
            member_id: "43",
            ..bad("other member", token(), "sub is another")
        },
        changed("wrong issuer", "iss", "someone".into(), "iss is another"),
        changed("wrong audience", "aud", "someone".into(), "aud is another"),
        lacking("issuer missing", "iss", "iss is required"),
        lacking("audience missing", "aud", "aud is required"),
        lacking("exp missing", "exp", "exp is required"),
        changed(
            "exp as a string",
            "exp",
            (NOW + 600).to_string().into(),
            "exp is a number",
        ),
        lacking("sub missing", "sub", "sub is required"),
        lacking("cid missing", "cid", "cid is required"),
        lacking("ent missing", "ent", "ent is required"),
        lacking("jti missing", "jti", "jti is required: it names the token"),
    ]
}

fn bad_signatures() -> Vec<Vector> {
    let (kid, other) = (kid(0), kid(1));
    let body = encoded(&claims());
    let by = |header: &str, seed| sign(seed, &format!("{}.{body}", encoded(header)));
    let good = signed(0, &claims());
    let cut = good[..good.len() - 4].to_owned();
    let (head, signature) = (encoded(&header("EdDSA", &kid)), good.rsplit('.').next());
    let claims = encoded(&with("sub", Value::from("44")));
    let moved = format!("{head}.{claims}.{}", signature.unwrap_or_default());
    let none = encoded(&header("none", &kid));
    vec![
        bad(
            "alg none",
            format!("{none}.{body}."),
            "only EdDSA is accepted",
        ),
        bad(
            "alg none with a signature",
            by(&header("none", &kid), LISTED[0]),
            "only EdDSA is accepted",
        ),
        bad(
            "alg HS256 by the public key's bytes",
            hs256(&kid),
            "only EdDSA is accepted",
        ),
        bad(
            "alg ES256 with an Ed25519 signature",
            by(&header("ES256", &kid), LISTED[0]),
            "only EdDSA is accepted",
        ),
        bad(
            "typ of an access token",
            typed("at+jwt"),
            "typ is booking+jwt, or JWT from older servers",
        ),
        bad(
            "typ missing",
            by(&format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), LISTED[0]),
            "typ is required",
        ),
        bad(
            "crit with a header that nobody knows",
            under(r#","crit":["note"],"note":"x""#),
            "no critical header is understood",
        ),
        bad(
            "crit b64",
            under(r#","crit":["b64"],"b64":true"#),
            "no critical header is understood",
        ),
        bad("crit empty", under(r#","crit":[]"#), "crit is never empty"),
        bad(
            "kid unknown",
            by(&header("EdDSA", "unknown"), LISTED[0]),
            "no such key is listed",
        ),
        bad(
            "kid missing",
            by(&format!(r#"{{"typ":"{TYPE}","alg":"EdDSA"}}"#), LISTED[0]),
            "kid is required",
        ),
        bad(
            "kid of the other key",
            by(&header("EdDSA", &other), LISTED[0]),
            "the signature is not by the key that kid names",
        ),
        bad(
            "signature of another key",
            by(&header("EdDSA", &kid), STRANGER),
            "the signature is not by the key that kid names",
        ),
        bad("signature truncated", cut, "a signature has 64 bytes"),
        bad(
            "signature empty",
            format!("{head}.{body}."),
            "a signature has 64 bytes",
        ),
        Vector {
            member_id: "44",
            ..bad(
                "payload changed",
                moved,
                "the signature is of another payload",
            )
        },
    ]
}

fn no_tokens() -> Vec<Vector> {
    let good = signed(0, &claims());
    let texts = [
        ("empty", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("a word", "token".to_owned()),
        ("no base64", "a.b.c".to_owned()),
        ("empty objects", "e30.e30.e30".to_owned()),
        ("JSON", r#"{"sub":"42"}"#.to_owned()),
        ("trailing dot", format!("{good}.")),
        (
            "no signature",
            good[..good.rfind('.').unwrap_or_default()].to_owned(),
        ),
        ("padded", format!("{good}==")),
        ("with a space before it", format!(" {good}")),
        ("with Bearer before it", format!("Bearer {good}")),
        ("twice", format!("{good},{good}")),
    ];
    let texts = texts.into_iter();
    texts
        .map(|(name, token)| bad(name, token, "this is no JWT"))
        .collect()
}

fn bad(name: &'static str, token: String, reason: &'static str) -> Vector {
    Vector {
        name,
        token,
        concert_id: "demo",
        member_id: "42",
        now: NOW,
        valid: false,
        reason,
    }
}

/// In this order, so that the vectors are the same wherever they are made.
fn pairs() -> Vec<(&'static str, Value)> {
    vec![
        ("iss", ISSUER.into()),
        ("aud", AUDIENCE.into()),
        ("sub", "42".into()),
        ("cid", "demo".into()),
        ("ent", 1_763_639_990_123_456_u64.into()),
        ("jti", "demo:1763639990123456".into()),
        ("iat", NOW.into()),
        ("exp", (NOW + 600).into()),
    ]
}

fn json(pairs: &[(&'static str, Value)]) -> String {
    let members: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn claims() -> String {
    json(&pairs())
}

fn with(claim: &'static str, value: Value) -> String {
    let mut pairs = pairs();
    match pairs.iter_mut().find(|(name, _)| *name == claim) {
        Some(pair) => pair.1 = value,
        None => pairs.push((claim, value)),
    }
    json(&pairs)
}

fn without(claim: &str) -> String {
    let mut pairs = pairs();
    pairs.retain(|(name, _)| *name != claim);
    json(&pairs)
}

fn header(algorithm: &str, kid: &str) -> String {
    format!(r#"{{"typ":"{TYPE}","alg":"{algorithm}","kid":"{kid}"}}"#)
}

/// A good token, but for these members of its header.
fn under(more: &str) -> String {
    let header = header("EdDSA", &kid(0));
    let header = format!("{}{more}}}", header.trim_end_matches('}'));
    by(&header)
}

/// A good token, but for its type.
fn typed(typ: &str) -> String {
    by(&header("EdDSA", &kid(0)).replace(TYPE, typ))
}

fn by(header: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(&claims()));
    sign(LISTED[0], &message)
}

fn encoded(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

fn kid(listed: usize) -> String {
    let keys = SigningKeys::from_pem(&pem(LISTED[listed])).expect("an Ed25519 key");
    keys.active_kid().to_owned()
}

fn signed(listed: usize, claims: &str) -> String {
    let header = encoded(&header("EdDSA", &kid(listed)));
    sign(LISTED[listed], &format!("{header}.{}", encoded(claims)))
}

fn sign(seed: &str, message: &str) -> String {
    let signature = pair(seed).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hs256(kid: &str) -> String {
    let message = format!("{}.{}", encoded(&header("HS256", kid)), encoded(&claims()));
    let public = pair(LISTED[0]);
    let key = hmac::Key::new(hmac::HMAC_SHA256, public.public_key().as_ref());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn pair(seed: &str) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&bytes(seed)).expect("32 bytes")
}

/// PKCS#8, as RFC 8410 §7 has it.
fn pem(seed: &str) -> String {
    let der = [bytes("302e020100300506032b657004220420"), bytes(seed)].concat();
    let base64 = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.chunks(2);
    pairs.map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}
