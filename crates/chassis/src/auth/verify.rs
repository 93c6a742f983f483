//! Checking an access token and reading its member.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};
use sunbeon_domain::MemberId;
use sunbeon_jwks::RemoteKeys;
use sunbeon_tokens::{Header, unix_now};

use super::{
    keys::{Keys, PublicKeys},
    who::Member,
};
use crate::settings;

/// How many seconds a token may be past its `exp` or before its `nbf`.
pub const LEEWAY_SECONDS: u64 = 5;

const NAME_CHARACTERS: usize = 100;

/// Why a token does not identify anybody.
pub(super) enum NoMember {
    /// The token is not valid.
    Token,
    /// Its key is unknown here, but may have been published by now.
    UnknownKey,
    /// No keys have been fetched yet.
    NoKeys,
}

/// Verifies tokens, one at a time; built once. jsonwebtoken's own check reads header and claims twice
/// and prepares the shared secret for each token, which costs as much again.
pub(super) struct Verifier {
    keys: Keys,
    algorithm: Algorithm,
    issuer: Option<String>,
    audience: Option<String>,
    member_claim: String,
    name_claim: String,
    role_claim: String,
    admin_role: String,
}

impl Verifier {
    pub(super) fn new(settings: &settings::Auth) -> anyhow::Result<Self> {
        let (algorithm, keys) = Keys::new(settings)?;
        Ok(Self {
            keys,
            algorithm,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            member_claim: settings.member_claim.clone(),
            name_claim: settings.name_claim.clone(),
            role_claim: settings.role_claim.clone(),
            admin_role: settings.admin_role.clone(),
        })
    }

    /// Returns the remote keys, if keys are fetched from a URL.
    pub(super) fn remote(&self) -> Option<&RemoteKeys<PublicKeys>> {
        match &self.keys {
            Keys::Remote(keys) => Some(keys),
            Keys::Shared(_) | Keys::Fixed(_) => None,
        }
    }

    /// Returns the member that a valid token names.
    pub(super) fn member(&self, token: &str, header: &Header) -> Result<Member, NoMember> {
        if header.alg != self.algorithm {
            return Err(NoMember::Token);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(NoMember::Token)?;
        let kid = || header.kid.as_deref().ok_or(NoMember::Token);
        let by = |key| self.is_signed(message, signature, key);
        let is_signed = match &self.keys {
            Keys::Shared(secret) => is_tagged(message, signature, secret),
            Keys::Fixed(keys) => by(keys.get(kid()?).ok_or(NoMember::Token)?),
            Keys::Remote(keys) => {
                let (kid, keys) = (kid()?, keys.current().ok_or(NoMember::NoKeys)?);
                by(keys.get(kid).ok_or(NoMember::UnknownKey)?)
            }
        };
        let claims = is_signed.then(|| claims(message)).flatten();
        let member = claims.and_then(|claims| self.named_by(&claims));
        member.ok_or(NoMember::Token)
    }

    fn is_signed(&self, message: &str, signature: &str, key: &DecodingKey) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, self.algorithm)
            .unwrap_or(false)
    }

    fn named_by(&self, claims: &Map<String, Value>) -> Option<Member> {
        if !self.accepts(claims) {
            return None;
        }
        Some(Member {
            id: member_id(claims.get(&self.member_claim)?).filter(|id| !id.is_guest())?,
            name: claims
                .get(&self.name_claim)
                .and_then(Value::as_str)
                .map(shown)
                .unwrap_or_default(),
            admin: names(claims.get(&self.role_claim), &self.admin_role),
        })
    }

    /// Returns whether claims are for us and valid now (RFC 7519 §4.1). They must have an `exp`, and an
    /// `iss` and an `aud` where these are set.
    fn accepts(&self, claims: &Map<String, Value>) -> bool {
        let (now, leeway) = (unix_now() as f64, LEEWAY_SECONDS as f64);
        let lasts = seconds(claims.get("exp")).is_some_and(|exp| exp >= now - leeway);
        let nbf = claims.get("nbf");
        let begun = nbf.is_none() || seconds(nbf).is_some_and(|nbf| nbf <= now + leeway);
        let fits = |claim: &str, expected: &Option<String>| {
            let expected = expected.as_ref();
            expected.is_none_or(|expected| names(claims.get(claim), expected))
        };
        lasts && begun && fits("iss", &self.issuer) && fits("aud", &self.audience)
    }
}

/// Returns whether a signature is that of HS256, compared in constant time.
fn is_tagged(message: &str, signature: &str, secret: &hmac::Key) -> bool {
    let tag = URL_SAFE_NO_PAD.decode(signature);
    tag.is_ok_and(|tag| hmac::verify(secret, message.as_bytes(), &tag).is_ok())
}

/// Returns the claims of a signed `header.claims`.
fn claims(message: &str) -> Option<Map<String, Value>> {
    let (_, claims) = message.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Returns the seconds since the epoch in a claim.
fn seconds(claim: Option<&Value>) -> Option<f64> {
    let seconds = claim?.as_f64()?;
    (0.0..u64::MAX as f64).contains(&seconds).then_some(seconds)
}

/// Returns whether a claim is this text, or a list that contains it.
fn names(claim: Option<&Value>, text: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == text,
        Some(Value::Array(all)) => all.iter().any(|one| *one == text),
        _ => false,
    }
}

/// Accepts a string, or a whole number as its digits.
fn member_id(claim: &Value) -> Option<MemberId> {
    let text = match claim {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return None,
    };
    MemberId::parse(text).ok()
}

/// Returns a name in a form that is safe to show.
fn shown(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARACTERS)
        .collect()
}
