//! Checking an access token and reading its member.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, Header, crypto};
use serde_json::Value;
use sunbeon_domain::MemberId;
use sunbeon_jwks::RemoteKeys;
use sunbeon_tokens::unix_now;

use super::{
    claims::Expected,
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

/// Verifies tokens, one at a time; built once.
pub(super) struct Verifier {
    keys: Keys,
    algorithm: Algorithm,
    expected: Expected,
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
            expected: Expected::new(settings),
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
        let (signed, signature) = token.rsplit_once('.').ok_or(NoMember::Token)?;
        let kid = || header.kid.as_deref().ok_or(NoMember::Token);
        let by = |key: &DecodingKey| {
            crypto::verify(signature, signed.as_bytes(), key, self.algorithm).unwrap_or(false)
        };
        let is_right = match &self.keys {
            Keys::Shared(key) => is_signed(key, signed, signature),
            Keys::Fixed(keys) => by(keys.get(kid()?).ok_or(NoMember::Token)?),
            Keys::Remote(keys) => {
                let (kid, keys) = (kid()?, keys.current().ok_or(NoMember::NoKeys)?);
                by(keys.get(kid).ok_or(NoMember::UnknownKey)?)
            }
        };
        let member = is_right.then(|| self.named(signed)).flatten();
        member.ok_or(NoMember::Token)
    }

    /// Returns the member named by what was signed: a header and claims.
    fn named(&self, signed: &str) -> Option<Member> {
        let (_, claims) = signed.split_once('.')?;
        let claims = BASE64.decode(claims).ok()?;
        let now = u64::try_from(unix_now()).ok()?;
        let claims = self.expected.read(&claims, now)?;
        Some(Member {
            id: member_id(claims.get(&self.member_claim)?).filter(|id| !id.is_guest())?,
            name: claims
                .get(&self.name_claim)
                .and_then(Value::as_str)
                .map(shown)
                .unwrap_or_default(),
            admin: claims
                .get(&self.role_claim)
                .is_some_and(|role| self.is_admin(role)),
        })
    }

    fn is_admin(&self, role: &Value) -> bool {
        match role {
            Value::String(role) => *role == self.admin_role,
            Value::Array(roles) => roles.iter().any(|role| *role == self.admin_role.as_str()),
            _ => false,
        }
    }
}

/// Returns whether a signature is the HS256 one. jsonwebtoken would prepare the key for each token.
fn is_signed(key: &hmac::Key, signed: &str, signature: &str) -> bool {
    let mut tag = [0; 32];
    BASE64.decode_slice(signature, &mut tag) == Ok(tag.len())
        && hmac::verify(key, signed.as_bytes(), &tag).is_ok()
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
