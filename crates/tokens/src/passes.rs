//! Passes: signed statements of a place, for cheap polling.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

use crate::guests::{SECRET_BYTES, ShortSecret};

/// The `aud` of every pass.
const AUDIENCE: &str = "sunbeon-pass";

/// What the store told of a waiting member's place. Whoever holds a fresh one is told their place by it,
/// without asking the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The concert.
    #[serde(rename = "cid")]
    pub concert: ConcertId,
    /// The member.
    #[serde(rename = "sub")]
    pub member: MemberId,
    /// The entry.
    #[serde(rename = "ent")]
    pub number: EntryNumber,
    /// The queue number that was told.
    #[serde(rename = "qn")]
    pub told: u64,
    /// How many entries were before this one then, those away not counted.
    #[serde(rename = "ahead")]
    pub live_ahead: u64,
    /// How many entries had ever been taken off the front then.
    pub taken: u64,
    /// The version by which the concert was first put in force.
    pub born: u64,
    /// When the member was last seen, as a reading of the line's counted time in milliseconds.
    pub seen: i64,
}

#[derive(Serialize, Deserialize)]
struct Claims<'a, Said> {
    aud: &'a str,
    #[serde(flatten)]
    pass: Said,
}

/// Signs and checks passes with HS256 and a secret that signs nothing else.
pub struct Passes {
    header: Header,
    signs: EncodingKey,
    checks: DecodingKey,
    validation: Validation,
}

impl Passes {
    /// Creates the signer from a secret of at least 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < SECRET_BYTES {
            return Err(ShortSecret);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        // How long a pass is good for is decided by the line's counted time.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["aud", "sub"]);
        Ok(Self {
            header: Header::new(Algorithm::HS256),
            signs: EncodingKey::from_secret(secret),
            checks: DecodingKey::from_secret(secret),
            validation,
        })
    }

    /// Signs a pass.
    pub fn sign(&self, pass: &Pass) -> String {
        let aud = AUDIENCE;
        let signed = jsonwebtoken::encode(&self.header, &Claims { aud, pass }, &self.signs);
        signed.expect("claims are JSON and any bytes are an HS256 key")
    }

    /// Returns what a pass of this member for this concert says; `None` for any other text.
    pub fn read(&self, pass: &str, concert: &ConcertId, member: &MemberId) -> Option<Pass> {
        let read = jsonwebtoken::decode::<Pass>(pass, &self.checks, &self.validation);
        let pass = read.ok()?.claims;
        (pass.concert == *concert && pass.member == *member).then_some(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass() -> Pass {
        Pass {
            concert: ConcertId::parse("c").unwrap(),
            member: MemberId::parse("42").unwrap(),
            number: EntryNumber(1_795_150_800_000_000),
            told: 5,
            live_ahead: 4,
            taken: 10,
            born: 1,
            seen: 20_000,
        }
    }

    #[test]
    fn a_pass_is_believed_only_of_its_member_and_concert_and_under_its_secret() {
        let passes = Passes::new(&[7; 32]).unwrap();
        let pass = pass();
        let signed = passes.sign(&pass);
        let other_concert = ConcertId::parse("d").unwrap();
        let other_member = MemberId::parse("43").unwrap();
        let read = |passes: &Passes, text: &str| passes.read(text, &pass.concert, &pass.member);
        assert_eq!(read(&passes, &signed), Some(pass.clone()));
        assert_eq!(passes.read(&signed, &other_concert, &pass.member), None);
        assert_eq!(passes.read(&signed, &pass.concert, &other_member), None);
        let others = Passes::new(&[8; 32]).unwrap();
        assert_eq!(read(&passes, &others.sign(&pass)), None);
        for forged in ["", "a.b.c", &signed[..signed.len() - 2]] {
            assert_eq!(read(&passes, forged), None, "{forged}");
        }
    }

    #[test]
    fn no_other_token_under_the_same_secret_is_a_pass() {
        let passes = Passes::new(&[7; 32]).unwrap();
        let claims = serde_json::to_value(pass()).unwrap();
        let key = EncodingKey::from_secret(&[7; 32]);
        let sign = |claims: &serde_json::Value| {
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
        };
        let read = |text: &str| passes.read(text, &pass().concert, &pass().member);
        assert_eq!(read(&sign(&claims)), None, "it has no audience");
        let mut other = claims.clone();
        other["aud"] = "sunbeon-gate".into();
        assert_eq!(read(&sign(&other)), None);
        other["aud"] = AUDIENCE.into();
        assert_eq!(read(&sign(&other)), Some(pass()));
    }
}
