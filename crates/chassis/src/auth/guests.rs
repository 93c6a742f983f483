//! Guests: members whom we name ourselves.

use anyhow::{Context, ensure};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sunbeon_domain::{GUEST_PREFIX, MemberId, UnixMs};
use uuid::Uuid;

use super::{Guest, LEEWAY_SECONDS, Member};

/// The `iss` and the `kid` of every guest token.
const ISSUER: &str = "sunbeon-guest";
const LIFE_SECONDS: u64 = 24 * 3600;

/// Signs and checks guest tokens, which are HS256 with a secret of their own.
pub(super) struct Guests {
    signs: EncodingKey,
    checks: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: MemberId,
    exp: u64,
}

impl Guests {
    pub(super) fn new(secret: &SecretString) -> anyhow::Result<Self> {
        let secret = secret.expose_secret().as_bytes();
        ensure!(
            secret.len() >= 32,
            "auth.guest_secret must have at least 32 bytes"
        );
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        Ok(Self {
            signs: EncodingKey::from_secret(secret),
            checks: DecodingKey::from_secret(secret),
            validation,
        })
    }

    pub(super) fn issue(&self) -> anyhow::Result<Guest> {
        let exp = jsonwebtoken::get_current_timestamp() + LIFE_SECONDS;
        let id = MemberId::parse(format!("{GUEST_PREFIX}{}", Uuid::new_v4()))
            .context("a guest's id is malformed")?;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: id.clone(),
            exp,
        };
        let header = Header {
            kid: Some(ISSUER.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.signs)
            .context("could not sign a guest token")?;
        let expires_at = UnixMs(i64::try_from(exp)? * 1000);
        Ok(Guest {
            id,
            token,
            expires_at,
        })
    }

    /// Whether a token says of itself that it is a guest's. It is then checked as such and in no
    /// other way, so that neither secret ever vouches for the other's tokens.
    pub(super) fn are_meant(header: &Header) -> bool {
        header.alg == Algorithm::HS256 && header.kid.as_deref() == Some(ISSUER)
    }

    /// The guest whom a good token names; never an admin.
    pub(super) fn member(&self, token: &str) -> Option<Member> {
        let token = jsonwebtoken::decode::<Claims>(token, &self.checks, &self.validation).ok()?;
        let id = token.claims.sub;
        id.is_guest().then(|| Member {
            id,
            name: String::new(),
            admin: false,
        })
    }
}
