//! The keys that verify access tokens, all for one algorithm.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, bail, ensure};
use aws_lc_rs::hmac;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_jwks::{RemoteKeys, http_url};

use crate::settings;

/// One shared secret, or public keys that are fixed or fetched.
pub(super) enum Keys {
    Shared(Box<hmac::Key>),
    Fixed(PublicKeys),
    Remote(RemoteKeys<PublicKeys>),
}

/// A login signs the ID tokens of every application with the same published keys.
const FOR_US: &str = "SUNBEON__AUTH__ISSUER and SUNBEON__AUTH__AUDIENCE must be set with \
    SUNBEON__AUTH__JWKS_FILE and SUNBEON__AUTH__JWKS_URL: without them, a token that the login \
    issued for another application would be \
    accepted here, its roles included";

/// Public keys by their `kid`.
pub(super) type PublicKeys = HashMap<String, DecodingKey>;

impl Keys {
    /// Returns the only accepted algorithm, and its keys.
    pub(super) fn new(settings: &settings::Auth) -> anyhow::Result<(Algorithm, Self)> {
        const ALL: &str =
            "SUNBEON__AUTH__HS256_SECRET, SUNBEON__AUTH__JWKS_FILE and SUNBEON__AUTH__JWKS_URL";
        let algorithm = settings.algorithm;
        let is_for_us = settings.issuer.is_some() && settings.audience.is_some();
        match (
            &settings.hs256_secret,
            &settings.jwks_file,
            &settings.jwks_url,
        ) {
            (Some(secret), None, None) => Ok((Algorithm::HS256, Self::shared(secret)?)),
            (None, Some(_), None) | (None, None, Some(_)) if !is_for_us => bail!(FOR_US),
            (None, Some(path), None) => Ok((algorithm.into(), Self::fixed(path, algorithm)?)),
            (None, None, Some(url)) => Ok((algorithm.into(), Self::remote(url, algorithm)?)),
            (None, None, None) => bail!(
                "one of {ALL} must be set, for example SUNBEON__AUTH__JWKS_URL=https://login.example/jwks.json"
            ),
            _ => bail!("only one of {ALL} may be set"),
        }
    }

    fn shared(secret: &SecretString) -> anyhow::Result<Self> {
        let secret = secret.expose_secret().as_bytes();
        ensure!(
            secret.len() >= 32,
            "SUNBEON__AUTH__HS256_SECRET must have at least 32 bytes"
        );
        Ok(Self::Shared(Box::new(hmac::Key::new(
            hmac::HMAC_SHA256,
            secret,
        ))))
    }

    fn fixed(path: &Path, algorithm: settings::Algorithm) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| {
            format!("could not read SUNBEON__AUTH__JWKS_FILE {}", path.display())
        })?;
        let set: JwkSet =
            serde_json::from_str(&text).context("SUNBEON__AUTH__JWKS_FILE is not a JWKS")?;
        let mut keys = HashMap::new();
        for jwk in set.keys.iter().filter(|jwk| fits(jwk, algorithm)) {
            let key_id = jwk.common.key_id.clone();
            let kid = key_id.context("a key of SUNBEON__AUTH__JWKS_FILE has no `kid`")?;
            let key = DecodingKey::from_jwk(jwk)
                .with_context(|| format!("key {kid} of SUNBEON__AUTH__JWKS_FILE is malformed"))?;
            keys.insert(kid, key);
        }
        ensure!(
            !keys.is_empty(),
            "SUNBEON__AUTH__JWKS_FILE has no key for {algorithm:?}"
        );
        Ok(Self::Fixed(keys))
    }

    fn remote(url: &str, algorithm: settings::Algorithm) -> anyhow::Result<Self> {
        let url = http_url(url).context("SUNBEON__AUTH__JWKS_URL")?;
        let keys = RemoteKeys::new(url, move |text| published(text, algorithm));
        Ok(Self::Remote(keys))
    }
}

/// Returns the keys for an algorithm in somebody else's JWKS, ignoring unusable ones.
fn published(text: &str, algorithm: settings::Algorithm) -> Option<PublicKeys> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).ok()?;
    // Parsed one by one, because one key of an unknown kind would fail the whole set.
    let jwks = set.keys.into_iter();
    let keys: PublicKeys = jwks
        .filter_map(|jwk| serde_json::from_value(jwk).ok())
        .filter(|jwk| fits(jwk, algorithm))
        .filter_map(|jwk| {
            let key = DecodingKey::from_jwk(&jwk).ok()?;
            Some((jwk.common.key_id?, key))
        })
        .collect();
    (!keys.is_empty()).then_some(keys)
}

/// Returns whether a key may verify signatures of this algorithm.
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
