//! Signing access tokens, for development and tests.

use std::time::Duration;

use anyhow::{Context, ensure};
use jsonwebtoken::EncodingKey;
use secrecy::ExposeSecret;
use sunbeon_domain::MemberId;

use crate::settings;

/// Signs access tokens with HS256.
pub(super) struct Issuing {
    key: EncodingKey,
    settings: settings::Auth,
}

impl Issuing {
    /// Returns `None` without an HS256 secret.
    pub(super) fn new(settings: &settings::Auth) -> Option<Self> {
        let secret = settings.hs256_secret.as_ref()?;
        Some(Self {
            key: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            settings: settings.clone(),
        })
    }

    pub(super) fn token(
        &self,
        id: &MemberId,
        name: &str,
        admin: bool,
        ttl: Duration,
    ) -> anyhow::Result<String> {
        ensure!(!id.is_guest(), "an access token cannot name a guest");
        let mut claims = serde_json::Map::new();
        claims.insert(self.settings.member_claim.clone(), id.as_str().into());
        claims.insert(self.settings.name_claim.clone(), name.into());
        if admin {
            let role = self.settings.admin_role.as_str();
            claims.insert(self.settings.role_claim.clone(), role.into());
        }
        for (claim, value) in [
            ("iss", &self.settings.issuer),
            ("aud", &self.settings.audience),
        ] {
            if let Some(value) = value {
                claims.insert(claim.to_owned(), value.as_str().into());
            }
        }
        let exp = jsonwebtoken::get_current_timestamp().saturating_add(ttl.as_secs());
        claims.insert("exp".to_owned(), exp.into());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &self.key)
            .context("could not sign an access token")
    }
}
