//! Checking an access token and reading its member.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use sunbeon_domain::MemberId;
use sunbeon_jwks::RemoteKeys;

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

/// Verifies tokens, one at a time; built once.
pub(super) struct Verifier {
    keys: Keys,
    algorithm: Algorithm,
    validation: Validation,
    member_claim: String,
    name_claim: String,
    role_claim: String,
    admin_role: String,
}

impl Verifier {
    pub(super) fn new(settings: &settings::Auth) -> anyhow::Result<Self> {
        let (algorithm, keys) = Keys::new(settings)?;
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &settings.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        match &settings.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        // The library checks `iss` and `aud` only if the token has them.
        validation.set_required_spec_claims(&required);
        Ok(Self {
            keys,
            algorithm,
            validation,
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
        let kid = || header.kid.as_deref().ok_or(NoMember::Token);
        let member = match &self.keys {
            Keys::Shared(key) => self.signed_by(key, token),
            Keys::Fixed(keys) => self.signed_by(keys.get(kid()?).ok_or(NoMember::Token)?, token),
            Keys::Remote(keys) => {
                let (kid, keys) = (kid()?, keys.current().ok_or(NoMember::NoKeys)?);
                self.signed_by(keys.get(kid).ok_or(NoMember::UnknownKey)?, token)
            }
        };
        member.ok_or(NoMember::Token)
    }

    fn signed_by(&self, key: &DecodingKey, token: &str) -> Option<Member> {
        let token = jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation);
        let claims = token.ok()?.claims;
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
