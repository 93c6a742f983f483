//! Passes: signed statements of a place, for cheap polling.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

use crate::guests::{SECRET_BYTES, ShortSecret};

/// What is signed begins with this; a pass that is made otherwise counts it up.
const LABEL: &[u8] = b"sunbeon pass 1\n";
const FIELDS: usize = 6;
const BYTES: usize = FIELDS * 8;
const TAG: usize = 32;

/// What the store told of a waiting member's place. Whoever holds a fresh one is told their place by it,
/// without asking the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The entry.
    pub number: EntryNumber,
    /// The queue number that was told.
    pub told: u64,
    /// How many entries were before this one then, those away not counted.
    pub live_ahead: u64,
    /// How many entries had ever been taken off the front then.
    pub taken: u64,
    /// The version by which the concert was first put in force.
    pub born: u64,
    /// When the member was last seen, as a reading of the line's counted time in milliseconds.
    pub seen: i64,
}

/// Signs and checks passes with HMAC-SHA256 and a secret that signs nothing else.
///
/// A pass is the numbers of a [`Pass`], 8 bytes each in network order, and the signature of these with the
/// ids of the concert and the member, in base64url: 107 characters.
pub struct Passes(hmac::Key);

impl Passes {
    /// Creates the signer from a secret of at least 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        if secret.len() < SECRET_BYTES {
            return Err(ShortSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Signs a member's pass for a concert.
    pub fn sign(&self, pass: &Pass, concert: &ConcertId, member: &MemberId) -> String {
        let fields: [u64; FIELDS] = [
            pass.number.0,
            pass.told,
            pass.live_ahead,
            pass.taken,
            pass.born,
            pass.seen.cast_unsigned(),
        ];
        let mut bytes = Vec::with_capacity(BYTES + TAG);
        bytes.extend(fields.into_iter().flat_map(u64::to_be_bytes));
        let tag = self.tag(&bytes, concert, member);
        bytes.extend_from_slice(tag.as_ref());
        BASE64.encode(bytes)
    }

    /// Returns what a pass of this member for this concert says; `None` for any other text.
    pub fn read(&self, pass: &str, concert: &ConcertId, member: &MemberId) -> Option<Pass> {
        let mut bytes = [0; BYTES + TAG];
        // One byte more would not fit.
        let length = BASE64.decode_slice(pass, &mut bytes).ok()?;
        let (fields, tag) = bytes[..length].split_at_checked(BYTES)?;
        verify_slices_are_equal(self.tag(fields, concert, member).as_ref(), tag).ok()?;
        let (fields, _) = fields.as_chunks::<8>();
        let mut fields = fields.iter().map(|bytes| u64::from_be_bytes(*bytes));
        let mut field = || fields.next();
        Some(Pass {
            number: EntryNumber(field()?),
            told: field()?,
            live_ahead: field()?,
            taken: field()?,
            born: field()?,
            seen: field()?.cast_signed(),
        })
    }

    /// No id has a line break, so no two pairs of ids are signed alike.
    fn tag(&self, fields: &[u8], concert: &ConcertId, member: &MemberId) -> hmac::Tag {
        let (concert, member) = (concert.as_str().as_bytes(), member.as_str().as_bytes());
        let signed = [LABEL, concert, b"\n", member, b"\n", fields].concat();
        hmac::sign(&self.0, &signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concert(id: &str) -> ConcertId {
        ConcertId::parse(id).unwrap()
    }

    fn member(id: &str) -> MemberId {
        MemberId::parse(id).unwrap()
    }

    #[test]
    fn a_pass_is_believed_only_of_its_member_and_concert_and_under_its_secret() {
        let passes = Passes::new(&[7; 32]).unwrap();
        let pass = Pass {
            number: EntryNumber(1_795_150_800_000_000),
            told: 5,
            live_ahead: 4,
            taken: u64::MAX,
            born: 1,
            seen: -20_000,
        };
        let signed = passes.sign(&pass, &concert("c"), &member("42"));
        let read = |text: &str| passes.read(text, &concert("c"), &member("42"));
        assert_eq!(read(&signed), Some(pass));
        assert_eq!(passes.read(&signed, &concert("d"), &member("42")), None);
        assert_eq!(passes.read(&signed, &concert("c"), &member("43")), None);
        assert_eq!(passes.read(&signed, &concert("c4"), &member("2")), None);
        let others = Passes::new(&[8; 32]).unwrap();
        assert_eq!(
            read(&others.sign(&pass, &concert("c"), &member("42"))),
            None
        );
        for (place, letter) in signed.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let mut changed = signed.clone();
            changed.replace_range(place..=place, other);
            assert_eq!(read(&changed), None, "{place}");
            assert_eq!(read(&signed[..place]), None, "{place}");
        }
        for other in [
            "",
            "토큰",
            "=",
            &format!("{signed}A"),
            &format!("{signed}{signed}"),
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_pass_is_signed_as_by_the_release_before() {
        let passes = Passes::new(&[7; 32]).unwrap();
        let pass = Pass {
            number: EntryNumber(1_795_150_800_000_000),
            told: 5,
            live_ahead: 4,
            taken: 12,
            born: 1,
            seen: 20_000,
        };
        let pinned = "AAZgrh3AlAAAAAAAAAAABQAAAAAAAAAEAAAAAAAAAAwAAAAAAAAAAQAAAAAAAE4g0AF7QP3haPUMkXRSn72j2Df8lPUskbVPTWfk2ELysHU";
        assert_eq!(passes.sign(&pass, &concert("c"), &member("42")), pinned);
        assert_eq!(
            passes.read(pinned, &concert("c"), &member("42")),
            Some(pass)
        );
    }

    #[test]
    fn a_short_secret_signs_nothing() {
        assert_eq!(Passes::new(&[7; 31]).err(), Some(ShortSecret));
    }
}
