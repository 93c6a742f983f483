//! Booking tokens under attack.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_tokens::{
    AUDIENCE, Claims, Guests, InvalidKeys, InvalidToken, Pass, Passes, SigningKeys, Verifier,
};

const NOW: i64 = 1_763_640_000;

fn concert() -> ConcertId {
    ConcertId::parse("demo").unwrap()
}

fn claims() -> Claims {
    Claims {
        iss: "sunbeon".to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: MemberId::parse("42").unwrap(),
        cid: concert(),
        ent: EntryNumber(1_763_640_000_123_456),
        jti: "a".to_owned(),
        iat: NOW,
        exp: NOW + 600,
    }
}

fn signed() -> (SigningKeys, Verifier, String) {
    let keys = SigningKeys::generate().unwrap();
    let token = keys.sign(keys.active_kid(), &claims()).unwrap();
    let verifier = Verifier::from_keys(&keys, "sunbeon");
    (keys, verifier, token)
}

/// Signs any claims with the active key.
fn forge(keys: &SigningKeys, header: &Header, claims: &Value) -> String {
    let pem = keys.to_pem();
    encode(
        header,
        claims,
        &EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
    )
    .unwrap()
}

fn header(keys: &SigningKeys) -> Header {
    Header {
        kid: Some(keys.active_kid().to_owned()),
        ..Header::new(Algorithm::EdDSA)
    }
}

#[test]
fn the_same_claims_give_the_same_token_even_after_a_restart() {
    let (keys, verifier, token) = signed();
    let again = SigningKeys::from_pem(&keys.to_pem()).unwrap();
    assert_eq!(again.active_kid(), keys.active_kid());
    assert_eq!(again.sign(keys.active_kid(), &claims()).unwrap(), token);
    assert_eq!(verifier.verify_at(&token, &concert(), NOW), Ok(claims()));
}

#[test]
fn a_token_expires_exactly_in_its_second() {
    let (_, verifier, token) = signed();
    assert!(verifier.verify_at(&token, &concert(), NOW + 599).is_ok());
    for now in [NOW + 600, NOW + 601, i64::MAX] {
        assert_eq!(
            verifier.verify_at(&token, &concert(), now),
            Err(InvalidToken::Expired)
        );
    }
}

#[test]
fn without_a_given_time_the_machines_clock_decides() {
    let (keys, verifier, _) = signed();
    let verify = |exp| {
        let token = keys
            .sign(keys.active_kid(), &Claims { exp, ..claims() })
            .unwrap();
        verifier.verify(&token, &concert()).map(|claims| claims.exp)
    };
    assert_eq!(verify(1), Err(InvalidToken::Expired));
    assert_eq!(verify(i64::MAX), Ok(i64::MAX));
}

#[test]
fn a_token_is_for_one_concert() {
    let (_, verifier, token) = signed();
    let other = ConcertId::parse("Demo").unwrap();
    assert_eq!(
        verifier.verify_at(&token, &other, NOW),
        Err(InvalidToken::Concert)
    );
}

#[test]
fn other_algorithms_are_refused() {
    let (keys, verifier, token) = signed();
    let body = token.split('.').nth(1).unwrap();
    let verify = |token: &str| verifier.verify_at(token, &concert(), NOW);

    let jwks = keys.jwks();
    let published = serde_json::to_value(&jwks).unwrap();
    let x = published["keys"][0]["x"].as_str().unwrap();
    let secrets = [
        x.as_bytes().to_vec(),
        serde_json::to_vec(&jwks).unwrap(),
        Vec::new(),
    ];
    for secret in secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header {
                kid: header(&keys).kid,
                ..Header::new(algorithm)
            };
            let key = EncodingKey::from_secret(&secret);
            let forged = encode(&header, &claims(), &key).unwrap();
            assert_eq!(verify(&forged), Err(InvalidToken::Malformed));
        }
    }
    // {"alg":"none"} and {"alg":"None","kid":""}
    for head in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwia2lkIjoiIn0"] {
        for forged in [format!("{head}.{body}."), format!("{head}.{body}")] {
            assert_eq!(verify(&forged), Err(InvalidToken::Malformed));
        }
    }
}

#[test]
fn another_key_and_another_kid_are_refused() {
    let (keys, verifier, _) = signed();
    let stranger = SigningKeys::generate().unwrap();
    let verify = |token: &str| verifier.verify_at(token, &concert(), NOW);
    let foreign = stranger.sign(stranger.active_kid(), &claims()).unwrap();
    assert_eq!(verify(&foreign), Err(InvalidToken::UnknownKey));

    let claims = serde_json::to_value(claims()).unwrap();
    let under_our_kid = forge(&stranger, &header(&keys), &claims);
    assert_eq!(verify(&under_our_kid), Err(InvalidToken::Signature));
    let without_kid = forge(&keys, &Header::new(Algorithm::EdDSA), &claims);
    assert_eq!(verify(&without_kid), Err(InvalidToken::UnknownKey));
    assert!(keys.sign("unknown", &self::claims()).is_err());
}

#[test]
fn every_claim_is_required_and_has_its_shape() {
    let (keys, verifier, _) = signed();
    let good = serde_json::to_value(claims()).unwrap();
    let verify =
        |claims: &Value| verifier.verify_at(&forge(&keys, &header(&keys), claims), &concert(), NOW);
    assert_eq!(verify(&good), Ok(claims()));
    for claim in ["iss", "aud", "sub", "cid", "ent", "jti", "iat", "exp"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(claim);
        assert_eq!(verify(&without), Err(InvalidToken::Malformed), "{claim}");
    }
    for (claim, value, error) in [
        ("iss", json!("someone"), InvalidToken::Issuer),
        ("aud", json!("another"), InvalidToken::Issuer),
        (
            "aud",
            json!(["sunbeon-gate", "another"]),
            InvalidToken::Issuer,
        ),
        ("sub", json!(""), InvalidToken::Malformed),
        ("sub", json!("x".repeat(300)), InvalidToken::Malformed),
        ("cid", json!("a{b}"), InvalidToken::Malformed),
        ("exp", json!(NOW), InvalidToken::Expired),
        ("exp", json!("never"), InvalidToken::Malformed),
        ("exp", json!(1e300), InvalidToken::Malformed),
    ] {
        let mut bad = good.clone();
        bad[claim] = value.clone();
        let got = verify(&bad).unwrap_err();
        // A list is never our `aud`, whichever check rejects it first.
        let malformed_list = value.is_array() && got == InvalidToken::Malformed;
        assert!(got == error || malformed_list, "{claim}: {value}: {got:?}");
    }
}

#[test]
fn anything_that_is_not_a_token_is_malformed() {
    let (_, verifier, _) = signed();
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "null",
        "e30.e30.e30",
        "토큰",
        "\0",
        &"x".repeat(100_000),
    ] {
        let got = verifier.verify_at(text, &concert(), NOW);
        assert_eq!(got, Err(InvalidToken::Malformed), "{text:.20}");
    }
}

#[test]
fn the_first_key_signs_and_all_are_published() {
    let (old, new) = (
        SigningKeys::generate().unwrap(),
        SigningKeys::generate().unwrap(),
    );
    let both = SigningKeys::from_pem(&format!("{}\n{}", new.to_pem(), old.to_pem())).unwrap();
    assert_eq!(both.active_kid(), new.active_kid());
    let published = serde_json::to_string(&both.jwks()).unwrap();
    let gate = Verifier::from_jwks(&published, "sunbeon").unwrap();
    for keys in [&old, &new] {
        let token = keys.sign(keys.active_kid(), &claims()).unwrap();
        assert!(gate.verify_at(&token, &concert(), NOW).is_ok());
        assert_eq!(both.sign(keys.active_kid(), &claims()).unwrap(), token);
    }
}

#[test]
fn a_published_key_has_the_shape_and_thumbprint_of_rfc_8037() {
    // RFC 8037, appendix A.1 to A.3: the key pair and its thumbprint.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
               -----END PRIVATE KEY-----\n";
    let keys = SigningKeys::from_pem(pem).unwrap();
    assert_eq!(
        serde_json::to_value(keys.jwks()).unwrap(),
        json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        }] })
    );
}

#[test]
fn a_file_without_an_ed25519_key_is_refused() {
    let good = SigningKeys::generate().unwrap().to_pem();
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    for (text, error) in [
        (String::new(), InvalidKeys::NoPem),
        ("not PEM".to_owned(), InvalidKeys::NoPem),
        (public.to_owned(), InvalidKeys::NotEd25519(1)),
        (format!("{good}{public}"), InvalidKeys::NotEd25519(2)),
        (format!("{good}{good}"), InvalidKeys::Repeated(2)),
    ] {
        assert_eq!(SigningKeys::from_pem(&text).unwrap_err(), error, "{text}");
    }
    assert!(Verifier::from_jwks(r#"{"keys":[]}"#, "sunbeon").is_err());
    assert!(Verifier::from_jwks(r#"{"keys":[{"kty":"oct","k":"AA","kid":"a"}]}"#, "a").is_err());
}

#[test]
fn keys_do_not_show_in_debug() {
    let keys = SigningKeys::generate().unwrap();
    assert_eq!(format!("{keys:?}"), format!("[{:?}]", keys.active_kid()));
}

proptest! {
    #[test]
    fn a_changed_character_breaks_a_token(position: prop::sample::Index, letter in "[A-Za-z0-9_.-]") {
        let (_, verifier, token) = signed();
        let at = position.index(token.len());
        // The last letter of the signature has unused bits; decoders may refuse them.
        prop_assume!(at < token.len() - 1 && token[at..=at] != letter);
        let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
        prop_assert!(verifier.verify_at(&changed, &concert(), NOW).is_err());
    }
}

/// Changes a text in up to four places, as a forger may: a byte is replaced, removed or inserted.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, char)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, "[ -~]"), 1..5).prop_map(|all| {
        let letter = |text: String| text.chars().next().unwrap_or('A');
        let each = all.into_iter();
        each.map(|(at, how, text)| (at, how, letter(text)))
            .collect()
    })
}

fn forged(good: &str, edits: &[(prop::sample::Index, u8, char)]) -> String {
    let mut letters: Vec<char> = good.chars().collect();
    for (at, how, letter) in edits {
        match how {
            0 if !letters.is_empty() => {
                let at = at.index(letters.len());
                letters[at] = *letter;
            }
            1 if !letters.is_empty() => drop(letters.remove(at.index(letters.len()))),
            _ => letters.insert(at.index(letters.len() + 1), *letter),
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_accepted_was_signed_by_us_byte_for_byte(edits in edits()) {
        let (_, verifier, token) = signed();
        let changed = forged(&token, &edits);
        prop_assert!(verifier.claims_at(&changed, NOW).is_err() || changed == token);

        let guests = Guests::new(&[7; 32], 5).unwrap();
        let token = guests.issue().token;
        let changed = forged(&token, &edits);
        prop_assert!(guests.verify(&changed).is_none() || changed == token);

        let (passes, member) = (Passes::new(&[7; 32]).unwrap(), MemberId::parse("42").unwrap());
        let pass = Pass { number: EntryNumber(7), told: 5, live_ahead: 4, taken: 3, born: 1, seen: -1 };
        let signed = passes.sign(&pass, &concert(), &member);
        let changed = forged(&signed, &edits);
        prop_assert!(passes.read(&changed, &concert(), &member).is_none() || changed == signed);
    }
}
