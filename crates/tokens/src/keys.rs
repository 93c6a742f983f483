//! The signing keys and their public halves.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
        OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, ThumbprintHash,
    },
};
use pem::Pem;

use crate::{Claims, TYPE};

const LABEL: &str = "PRIVATE KEY";

/// Why a text does not contain signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// The text is not PEM, or contains no private key.
    #[error("no PEM block with a PRIVATE KEY")]
    NoPem,
    /// A block holds something else.
    #[error("PEM block {0} is not a PKCS#8 Ed25519 private key")]
    NotEd25519(usize),
    /// A key appears twice.
    #[error("PEM block {0} repeats a key")]
    Repeated(usize),
    /// The system cannot provide randomness.
    #[error("could not generate a key")]
    Generation,
}

/// No signing key has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no signing key has this id")]
pub struct UnknownKey;

/// Ed25519 keys: the first signs new tokens, and all are published.
pub struct SigningKeys(pub(crate) Vec<SigningKey>);

pub(crate) struct SigningKey {
    pub(crate) kid: String,
    /// PKCS#8 version 1.
    der: Vec<u8>,
    signs: EncodingKey,
    published: Jwk,
}

impl SigningKeys {
    /// Reads one or more PKCS#8 Ed25519 PEM blocks, as written by `openssl genpkey -algorithm
    /// ed25519`.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKeys> {
        let blocks = pem::parse_many(text).map_err(|_| InvalidKeys::NoPem)?;
        let mut keys: Vec<SigningKey> = Vec::new();
        for (number, block) in (1..).zip(&blocks) {
            let parsed = Ed25519KeyPair::from_pkcs8(block.contents());
            let pair = parsed.ok().filter(|_| block.tag() == LABEL);
            let key = SigningKey::new(&pair.ok_or(InvalidKeys::NotEd25519(number))?);
            let key = key.ok_or(InvalidKeys::NotEd25519(number))?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(InvalidKeys::Repeated(number));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            Err(InvalidKeys::NoPem)
        } else {
            Ok(Self(keys))
        }
    }

    /// Generates one new key.
    pub fn generate() -> Result<Self, InvalidKeys> {
        let pair = Ed25519KeyPair::generate().map_err(|_| InvalidKeys::Generation)?;
        Ok(Self(vec![
            SigningKey::new(&pair).ok_or(InvalidKeys::Generation)?,
        ]))
    }

    /// Returns the keys in the form that [`SigningKeys::from_pem`] reads. Secret.
    pub fn to_pem(&self) -> String {
        self.0
            .iter()
            .map(|key| pem::encode(&Pem::new(LABEL, key.der.clone())))
            .collect()
    }

    /// Returns the id of the key that signs new tokens.
    pub fn active_kid(&self) -> &str {
        &self.0[0].kid
    }

    /// Signs claims with the key of an id. The same claims and id give the same token, byte for
    /// byte (Ed25519 is deterministic, RFC 8032 §5.1.6).
    pub fn sign(&self, kid: &str, claims: &Claims) -> Result<String, UnknownKey> {
        let key = self.0.iter().find(|key| key.kid == kid).ok_or(UnknownKey)?;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let token = jsonwebtoken::encode(&header, claims, &key.signs);
        Ok(token.expect("claims are JSON and the key was read as Ed25519"))
    }

    /// Returns the public keys, to serve as `/.well-known/jwks.json`.
    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: self.0.iter().map(|key| key.published.clone()).collect(),
        }
    }
}

impl SigningKey {
    fn new(pair: &Ed25519KeyPair) -> Option<Self> {
        let der = pair.to_pkcs8v1().ok()?.as_ref().to_vec();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let algorithm = AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x,
        });
        let mut published = Jwk {
            common: CommonParameters::default(),
            algorithm,
        };
        let kid = published.thumbprint(ThumbprintHash::SHA256).ok()?;
        published.common.key_id = Some(kid.clone());
        published.common.public_key_use = Some(PublicKeyUse::Signature);
        published.common.key_algorithm = Some(KeyAlgorithm::EdDSA);
        Some(Self {
            kid,
            signs: EncodingKey::from_ed_der(&der),
            der,
            published,
        })
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| &key.kid))
            .finish()
    }
}
