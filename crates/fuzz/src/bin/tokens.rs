//! Booking tokens, guests' tokens and passes: what is accepted was signed by us, byte for byte.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_fuzz::forged;
use sunbeon_tokens::{
    AUDIENCE, Claims, Guests, Pass, Passes, SigningKeys, Verifier, has_type, read_expiry,
    read_header,
};

const SECRET: &str = "a secret that only this target signs with";
const NOW: i64 = 1_800_000_000;

struct Signed {
    keys: SigningKeys,
    verifier: Verifier,
    guests: Guests,
    passes: Passes,
    concert: ConcertId,
    member: MemberId,
    booking: String,
    guest: String,
    pass: String,
}

impl Signed {
    fn new() -> Self {
        let concert = ConcertId::parse("demo").expect("an id");
        let member = MemberId::parse("42").expect("an id");
        let keys = SigningKeys::generate().expect("a key");
        let claims = Claims {
            iss: "sunbeon".to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: member.clone(),
            cid: concert.clone(),
            ent: EntryNumber(7),
            jti: EntryNumber(7).token_id(&concert),
            iat: NOW,
            exp: NOW + 600,
        };
        let guests = Guests::new(SECRET.as_bytes(), 5).expect("long enough");
        let passes = Passes::new(SECRET.as_bytes()).expect("long enough");
        let pass = Pass {
            number: EntryNumber(7),
            told: 5,
            live_ahead: 4,
            taken: 3,
            born: 1,
            seen: -1,
        };
        Self {
            booking: keys
                .sign(keys.active_kid(), &claims)
                .expect("the key is here"),
            guest: guests.issue().token,
            pass: passes.sign(&pass, &concert, &member),
            verifier: Verifier::from_keys(&keys, "sunbeon"),
            keys,
            guests,
            passes,
            concert,
            member,
        }
    }
}

static SIGNED: OnceLock<Signed> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let signed = SIGNED.get_or_init(Signed::new);
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let good = [&signed.booking, &signed.guest, &signed.pass][usize::from(kind % 3)];
    // Half of the inputs forge a good one; the others are texts of their own.
    let text = match kind & 4 {
        0 => forged(good, rest),
        _ => str::from_utf8(rest).ok().map(str::to_owned),
    };
    let Some(text) = text else {
        return;
    };
    let text = text.as_str();
    if let Ok(claims) = signed.verifier.claims_at(text, NOW) {
        let again = signed.keys.sign(signed.keys.active_kid(), &claims);
        assert_eq!(
            again.as_deref(),
            Ok(text),
            "another text for the same claims"
        );
    }
    if let Some(member) = signed.guests.verify(text) {
        assert!(member.is_guest());
        assert_eq!(text, signed.guest);
    }
    if let Some(pass) = signed.passes.read(text, &signed.concert, &signed.member) {
        assert_eq!(
            signed.passes.sign(&pass, &signed.concert, &signed.member),
            text
        );
    }
    if let Some(header) = read_header(text) {
        has_type(&header, &["JWT"]);
    }
    read_expiry(text);
    let _ = Verifier::from_jwks(text, "sunbeon");
});
