//! Guests: members whom we name ourselves.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sunbeon_domain::{GUEST_PREFIX, MemberId, UnixMs};
use uuid::Uuid;

use crate::unix_now;

/// The `iss` and the `kid` of every guest token.
const ISSUER: &str = "sunbeon-guest";
const LIFE_SECONDS: i64 = 24 * 3600;
/// The least length of a secret that signs tokens.
pub(crate) const SECRET_BYTES: usize = 32;

/// A new guest.
#[derive(Clone)]
pub struct Guest {
    /// `guest:` and a random id of 22 characters.
    pub id: MemberId,
    /// The access token that names the guest from now on. Secret.
    pub token: String,
    /// When the token expires.
    pub expires_at: UnixMs,
}

/// The secret is too short to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret that signs tokens must have at least {SECRET_BYTES} bytes")]
pub struct ShortSecret;

/// Signs and checks guest tokens with HS256 and a secret that signs nothing else.
pub struct Guests {
    signs: EncodingKey,
    checks: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: MemberId,
    exp: i64,
}

impl Guests {
    /// Creates the signer from a secret of at least 32 bytes. Tokens are accepted for
    /// `leeway_seconds` past their `exp`.
    pub fn new(secret: &[u8], leeway_seconds: u64) -> Result<Self, ShortSecret> {
        if secret.len() < SECRET_BYTES {
            return Err(ShortSecret);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = leeway_seconds;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        Ok(Self {
            signs: EncodingKey::from_secret(secret),
            checks: DecodingKey::from_secret(secret),
            validation,
        })
    }

    /// Creates a guest, whose token every holder of the secret accepts for 24 hours.
    pub fn issue(&self) -> Guest {
        let exp = unix_now() + LIFE_SECONDS;
        // A crowd of guests is in the store's memory, so their ids are short.
        let random = BASE64.encode(Uuid::new_v4());
        let id = MemberId::parse(format!("{GUEST_PREFIX}{random}"));
        let id = id.expect("a prefix and base64url are visible ASCII");
        Guest {
            token: self.sign(id.clone(), exp),
            id,
            expires_at: UnixMs(exp * 1_000),
        }
    }

    fn sign(&self, sub: MemberId, exp: i64) -> String {
        let iss = ISSUER.to_owned();
        let header = Header {
            kid: Some(iss.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let token = jsonwebtoken::encode(&header, &Claims { iss, sub, exp }, &self.signs);
        token.expect("claims are JSON and any bytes are an HS256 key")
    }

    /// Returns whether a token claims to be a guest's. It must then be checked as one and in no
    /// other way, so that neither secret ever vouches for the other's tokens.
    pub fn are_meant(header: &Header) -> bool {
        header.alg == Algorithm::HS256 && header.kid.as_deref() == Some(ISSUER)
    }

    /// Returns the guest that a valid token names.
    pub fn verify(&self, token: &str) -> Option<MemberId> {
        let token = jsonwebtoken::decode::<Claims>(token, &self.checks, &self.validation).ok()?;
        Some(token.claims.sub).filter(MemberId::is_guest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_token_is_valid_only_under_the_secret_that_signed_it() {
        let guests = Guests::new(&[7; 32], 5).unwrap();
        let guest = guests.issue();
        assert!(guest.id.is_guest());
        assert_eq!(guests.verify(&guest.token), Some(guest.id));
        let others = Guests::new(&[8; 32], 5).unwrap();
        assert_eq!(others.verify(&guest.token), None);
        let header = jsonwebtoken::decode_header(&guest.token).unwrap();
        assert!(Guests::are_meant(&header));
    }

    #[test]
    fn a_guest_token_is_signed_as_by_the_release_before() {
        let guests = Guests::new(&[7; 32], 5).unwrap();
        let id = MemberId::parse("guest:AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        // It expires in 2100.
        let pinned = concat!(
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6InN1bmJlb24tZ3Vlc3QifQ.",
            "eyJpc3MiOiJzdW5iZW9uLWd1ZXN0Iiwic3ViIjoiZ3Vlc3Q6QUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsImV4cCI6NDEwMjQ0NDgwMH0.",
            "m-BbL5UCdUO8gDeWiSgUgHVSBKdLDN3iNKzQyin1c1k",
        );
        assert_eq!(guests.sign(id.clone(), 4_102_444_800), pinned);
        assert_eq!(guests.verify(pinned), Some(id));
    }

    #[test]
    fn a_short_secret_signs_nothing() {
        assert_eq!(Guests::new(&[7; 31], 5).err(), Some(ShortSecret));
    }
}
