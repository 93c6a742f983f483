//! What a JWT says of itself.

use jsonwebtoken::{Header, dangerous::insecure_decode_claims};
use serde::Deserialize;

/// Reads the header of a JWT. Returns `None` for anything that is not a JWT, and for a JWT with
/// `crit`: its issuer demands that its extensions are understood, and none is supported here (RFC
/// 7515 §4.1.11).
pub fn read_header(token: &str) -> Option<Header> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    header.crit.is_none().then_some(header)
}

/// Reads when a JWT expires, in seconds since the epoch (RFC 7519 §4.1.4). Only for a token that was verified
/// elsewhere: its signature is not checked here.
pub fn read_expiry(token: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Claims {
        /// It may have a fraction.
        exp: f64,
    }
    let claims: Claims = insecure_decode_claims(token).ok()?;
    Some(claims.exp as i64)
}

/// Returns whether `typ` is one of these types. `typ` is a media type that may omit `application/`,
/// compared without regard to case (RFC 7515 §4.1.9).
pub fn has_type(header: &Header, types: &[&str]) -> bool {
    const PREFIX: &str = "application/";
    let Some(typ) = header.typ.as_deref() else {
        return false;
    };
    let short = match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => typ,
    };
    types.iter().any(|known| short.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn read(json: &str) -> Option<Header> {
        read_header(&format!("{}.e30.", URL_SAFE_NO_PAD.encode(json)))
    }

    #[test]
    fn every_critical_extension_is_refused() {
        assert!(read(r#"{"alg":"EdDSA","kid":"a"}"#).is_some());
        assert!(read(r#"{"alg":"EdDSA","note":{"any":1}}"#).is_some());
        for crit in [r#"["b64"]"#, r#"["exp"]"#, "[]", r#""exp""#, "[1]", "{}"] {
            let header = format!(r#"{{"alg":"EdDSA","crit":{crit},"b64":false,"exp":1}}"#);
            assert!(read(&header).is_none(), "{crit}");
        }
    }

    #[test]
    fn a_token_says_when_it_expires() {
        let read = |claims: &str| {
            let claims = URL_SAFE_NO_PAD.encode(claims);
            read_expiry(&format!("e30.{claims}.c2ln"))
        };
        assert_eq!(read(r#"{"exp":1700000000}"#), Some(1_700_000_000));
        assert_eq!(read(r#"{"exp":1700000000.5}"#), Some(1_700_000_000));
        assert_eq!(read("{}"), None);
        assert_eq!(read_expiry("no token"), None);
    }

    #[test]
    fn a_type_is_a_media_type() {
        for (typ, is) in [
            (r#""JWT""#, true),
            (r#""jwt""#, true),
            (r#""application/JWT""#, true),
            (r#""Application/at+jwt""#, true),
            (r#""booking+jwt""#, false),
            (r#""application/""#, false),
            (r#""text/jwt""#, false),
            (r#""""#, false),
            ("null", false),
        ] {
            let header = read(&format!(r#"{{"alg":"EdDSA","typ":{typ}}}"#)).unwrap();
            assert_eq!(has_type(&header, &["JWT", "at+jwt"]), is, "{typ}");
        }
        assert!(!has_type(&read(r#"{"alg":"EdDSA"}"#).unwrap(), &["JWT"]));
    }
}
