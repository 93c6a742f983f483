//! The keys that access tokens are checked with, all of one algorithm.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, bail, ensure};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};

use crate::settings;

/// One shared secret, or public keys by their `kid`.
pub(super) enum Keys {
    Shared(DecodingKey),
    Public(HashMap<String, DecodingKey>),
}

impl Keys {
    /// The keys and the one algorithm that is accepted.
    pub(super) fn new(settings: &settings::Auth) -> anyhow::Result<(Algorithm, Self)> {
        match (&settings.hs256_secret, &settings.jwks_file) {
            (Some(secret), None) => Ok((Algorithm::HS256, Self::shared(secret)?)),
            (None, Some(path)) => Ok((
                settings.algorithm.into(),
                Self::public(path, settings.algorithm)?,
            )),
            (None, None) => bail!("one of auth.hs256_secret and auth.jwks_file must be set"),
            (Some(_), Some(_)) => bail!("auth.hs256_secret and auth.jwks_file are both set"),
        }
    }

    fn shared(secret: &SecretString) -> anyhow::Result<Self> {
        let secret = secret.expose_secret().as_bytes();
        ensure!(
            secret.len() >= 32,
            "auth.hs256_secret must have at least 32 bytes"
        );
        Ok(Self::Shared(DecodingKey::from_secret(secret)))
    }

    fn public(path: &Path, algorithm: settings::Algorithm) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("could not read auth.jwks_file {}", path.display()))?;
        let set: JwkSet = serde_json::from_str(&text).context("auth.jwks_file is no JWKS")?;
        let mut keys = HashMap::new();
        for jwk in set.keys.iter().filter(|jwk| fits(jwk, algorithm)) {
            let kid = jwk.common.key_id.clone();
            let kid = kid.context("a key of auth.jwks_file has no `kid`")?;
            let key = DecodingKey::from_jwk(jwk)
                .with_context(|| format!("key {kid} of auth.jwks_file is malformed"))?;
            keys.insert(kid, key);
        }
        ensure!(
            !keys.is_empty(),
            "auth.jwks_file has no key for {algorithm:?}"
        );
        Ok(Self::Public(keys))
    }

    /// The key that a token with this `kid` has to be signed with.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match self {
            Self::Shared(key) => Some(key),
            Self::Public(keys) => keys.get(kid?),
        }
    }
}

/// Whether a key may check signatures of this algorithm.
fn fits(jwk: &Jwk, algorithm: settings::Algorithm) -> bool {
    use settings::Algorithm::{ES256, EdDSA, RS256};
    let (of_its_kind, named) = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), RS256) => (true, KeyAlgorithm::RS256),
        (AlgorithmParameters::EllipticCurve(key), ES256) => {
            (key.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        (AlgorithmParameters::OctetKeyPair(key), EdDSA) => {
            (key.curve == EllipticCurve::Ed25519, KeyAlgorithm::EdDSA)
        }
        _ => return false,
    };
    let common = &jwk.common;
    of_its_kind
        && common
            .key_algorithm
            .is_none_or(|algorithm| algorithm == named)
        && common
            .public_key_use
            .as_ref()
            .is_none_or(|usage| *usage == PublicKeyUse::Signature)
}

impl From<settings::Algorithm> for Algorithm {
    fn from(algorithm: settings::Algorithm) -> Self {
        match algorithm {
            settings::Algorithm::RS256 => Self::RS256,
            settings::Algorithm::ES256 => Self::ES256,
            settings::Algorithm::EdDSA => Self::EdDSA,
        }
    }
}
