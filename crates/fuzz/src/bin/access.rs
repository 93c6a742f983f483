//! Access tokens: without the secret nobody makes one, and of those that the login signs only what jsonwebtoken
//! accepts too names a member.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, crypto};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use sunbeon_chassis::{Auth, auth::LEEWAY_SECONDS};
use sunbeon_domain::MemberId;
use sunbeon_fuzz::{HS256_SECRET, Settings, forged};
use tokio::runtime::{Builder, Runtime};

struct Signed {
    runtime: Runtime,
    auth: Auth,
    access: String,
    guest: String,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let auth = Settings::load().auth();
    let member = MemberId::parse("42").expect("an id");
    let hour = Duration::from_secs(3600);
    let access = auth.issue(&member, "name", true, hour);
    let guest = auth.issue_guest();
    let runtime = Builder::new_current_thread().build();
    Signed {
        runtime: runtime.expect("a runtime"),
        auth,
        access: access.expect("a secret"),
        guest: guest.expect("a secret").token,
    }
});

/// Returns whether jsonwebtoken accepts a token.
fn library_accepts(token: &str) -> bool {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(HS256_SECRET.as_bytes());
    jsonwebtoken::decode::<IgnoredAny>(token, &key, &validation).is_ok()
}

/// Signs the texts of two parts, as they are.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let parts = [header, claims].map(|part| BASE64.encode(part));
    let message = parts.join(".");
    let key = EncodingKey::from_secret(HS256_SECRET.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.expect("a key"))
}

fuzz_target!(|data: &[u8]| {
    let Signed {
        runtime,
        auth,
        access,
        guest,
    } = &*SIGNED;
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let token = match kind % 4 {
        0 => forged(access, rest),
        1 => forged(guest, rest),
        2 => str::from_utf8(rest).ok().map(str::to_owned),
        // Claims of a login that signs anything.
        _ => Some(signed(br#"{"alg":"HS256"}"#, rest)),
    };
    let Some(token) = token else {
        return;
    };
    let before = library_accepts(&token);
    let Ok(member) = runtime.block_on(auth.member_of(&token)) else {
        return;
    };
    if kind % 4 == 3 {
        assert!(before || library_accepts(&token), "the library refuses it");
        assert!(!member.id.is_guest());
        assert!(member.name.chars().count() <= 100 && !member.name.contains(char::is_control));
    } else {
        assert!(token == *access || token == *guest, "a forgery: {token}");
    }
});
