//! Verifying booking tokens with public keys.

use std::collections::HashMap;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use sunbeon_domain::ConcertId;

use crate::{AUDIENCE, Claims, SigningKeys, TYPE, has_type, read_header, unix_now};

/// The accepted types. Versions up to 0.1 signed booking tokens as `JWT`.
const TYPES: [&str; 2] = [TYPE, "JWT"];

/// Why a token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is not a JWT, its algorithm is not EdDSA, its type is not [`TYPE`], it has a `crit`, or
    /// its claims are missing or malformed.
    #[error("malformed")]
    Malformed,
    /// Its `kid` is missing or not published.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// The signature does not match its key.
    #[error("the signature is wrong")]
    Signature,
    /// It names another issuer or another audience.
    #[error("by another issuer or for another audience")]
    Issuer,
    /// It is for another concert.
    #[error("for another concert")]
    Concert,
    /// Its `exp` has passed.
    #[error("expired")]
    Expired,
}

impl InvalidToken {
    /// Returns whether the token can never become valid. A token with an unknown key can: the key
    /// may be published by the next attempt.
    pub fn is_final(self) -> bool {
        self != Self::UnknownKey
    }
}

/// Verifies the booking tokens of one issuer.
#[derive(Clone)]
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl Verifier {
    /// Uses the Ed25519 keys of a JWKS; keys of other kinds or for other purposes are ignored.
    pub fn from_jwks(json: &str, issuer: &str) -> Result<Self, InvalidJwks> {
        let set: JwkSet = serde_json::from_str(json).map_err(|_| InvalidJwks)?;
        Self::new(&set, issuer)
    }

    /// Uses the public halves of signing keys.
    pub fn from_keys(keys: &SigningKeys, issuer: &str) -> Self {
        Self::new(&keys.jwks(), issuer).expect("signing keys publish at least one key")
    }

    fn new(set: &JwkSet, issuer: &str) -> Result<Self, InvalidJwks> {
        let usable = set.keys.iter().filter(|key| signs(key));
        let keys: HashMap<_, _> = usable
            .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)))
            .collect();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
        // Checked below against a given time, without leeway.
        validation.validate_exp = false;
        if keys.is_empty() {
            Err(InvalidJwks)
        } else {
            Ok(Self { keys, validation })
        }
    }

    /// Returns the claims of a token that is valid for a concert now, by this machine's clock.
    pub fn verify(&self, token: &str, concert: &ConcertId) -> Result<Claims, InvalidToken> {
        self.verify_at(token, concert, unix_now())
    }

    /// Does the same as [`Verifier::verify`], at a time in seconds since the epoch.
    pub fn verify_at(
        &self,
        token: &str,
        concert: &ConcertId,
        now: i64,
    ) -> Result<Claims, InvalidToken> {
        let claims = self.claims_at(token, now)?;
        if claims.cid != *concert {
            return Err(InvalidToken::Concert);
        }
        Ok(claims)
    }

    /// Returns the claims of a token that is valid at a time in seconds since the epoch, for
    /// whichever concert it names. Checking the concert, the member and revocation is left to the
    /// caller.
    pub fn claims_at(&self, token: &str, now: i64) -> Result<Claims, InvalidToken> {
        let header = read_header(token).ok_or(InvalidToken::Malformed)?;
        if header.alg != Algorithm::EdDSA || !has_type(&header, &TYPES) {
            return Err(InvalidToken::Malformed);
        }
        let key = header
            .kid
            .and_then(|kid| self.keys.get(&kid))
            .ok_or(InvalidToken::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|error| reason(error.kind()))?
            .claims;
        if claims.exp <= now {
            return Err(InvalidToken::Expired);
        }
        Ok(claims)
    }
}

/// The text is not a JWKS, or it has no Ed25519 key to verify signatures with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JWKS with an Ed25519 key for signatures that has a kid")]
pub struct InvalidJwks;

fn signs(key: &Jwk) -> bool {
    let ed25519 = matches!(&key.algorithm, AlgorithmParameters::OctetKeyPair(key)
        if key.curve == EllipticCurve::Ed25519);
    let usage = key.common.public_key_use.as_ref();
    ed25519 && usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
}

fn reason(kind: &ErrorKind) -> InvalidToken {
    match kind {
        ErrorKind::InvalidSignature => InvalidToken::Signature,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => InvalidToken::Issuer,
        _ => InvalidToken::Malformed,
    }
}
