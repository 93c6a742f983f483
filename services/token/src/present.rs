//! The booking token that a request presents, and signing one.

use axum::http::{HeaderMap, HeaderName, header};
use sunbeon_chassis::{ApiError, ApiResult};
use sunbeon_domain::{Code, ConcertId, MemberId};
use sunbeon_store::TokenFacts;
use sunbeon_tokens::{AUDIENCE, Claims};

use crate::Token;

pub(crate) const QUEUE_TOKEN: HeaderName = HeaderName::from_static("x-queue-token");

/// The booking token of a request: the header `X-Queue-Token`, or without one the cookie
/// `queue-token-<concertId>`. One that is given twice, differently, is none.
fn presented<'a>(headers: &'a HeaderMap, concert: &ConcertId) -> Option<&'a str> {
    let mut given: Vec<_> = headers.get_all(QUEUE_TOKEN).iter().collect();
    given.dedup();
    if let Some(first) = given.first() {
        return first.to_str().ok().filter(|_| given.len() == 1);
    }
    let name = format!("queue-token-{concert}=");
    let cookies = headers.get_all(header::COOKIE).iter();
    // In bytes: a shop's other cookies may hold any.
    let mut given: Vec<_> = cookies
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes()))
        .collect();
    given.dedup();
    let alone = given.first().filter(|_| given.len() == 1)?;
    str::from_utf8(alone).ok()
}

impl Token {
    /// What the presented booking token says, where it is good now, for this concert and member.
    pub(crate) fn admission(
        &self,
        headers: &HeaderMap,
        concert: &ConcertId,
        member: &MemberId,
    ) -> Option<Claims> {
        let claims = self
            .verifier
            .verify(presented(headers, concert)?, concert)
            .ok()?;
        (claims.sub == *member).then_some(claims)
    }

    /// The token that the facts are of. Where its key has been taken away before it expired, the
    /// active key signs instead: nobody believes the one that was signed before, so that there is
    /// still one live token.
    pub(crate) fn sign(
        &self,
        member: &MemberId,
        concert: &ConcertId,
        facts: &TokenFacts,
    ) -> ApiResult<String> {
        let claims = Claims {
            iss: self.issuer.to_string(),
            aud: AUDIENCE.to_owned(),
            sub: member.clone(),
            cid: concert.clone(),
            ent: facts.number,
            jti: facts.jti.clone(),
            iat: facts.iat,
            exp: facts.exp,
        };
        let by = |kid| self.keys.sign(kid, &claims);
        let signed = by(&facts.kid).or_else(|_| by(self.keys.active_kid()));
        signed.map_err(|error| ApiError::new(Code::Internal).caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sunbeon_domain::EntryNumber;
    use sunbeon_store::MemoryStore;
    use sunbeon_tokens::SigningKeys;

    use super::*;

    #[test]
    fn a_token_whose_key_was_taken_away_is_signed_by_the_active_one() {
        let (old, new) = (SigningKeys::generate(), SigningKeys::generate());
        let (old, new) = (old.unwrap(), new.unwrap());
        let facts = TokenFacts {
            number: EntryNumber(1),
            jti: "j".to_owned(),
            kid: old.active_kid().to_owned(),
            iat: 1_000,
            exp: i64::MAX,
        };
        let (concert, member) = (ConcertId::parse("c"), MemberId::parse("a"));
        let (concert, member) = (concert.unwrap(), member.unwrap());
        let service = |keys| Token::new(Arc::new(MemoryStore::new()), keys, "sunbeon");
        let (before, after) = (service(old), service(new));
        let token = |service: &Token| service.sign(&member, &concert, &facts).unwrap();
        let (first, second) = (token(&before), token(&after));
        assert_eq!(token(&after), second, "the same each time");
        assert!(before.verifier.verify(&first, &concert).is_ok());
        assert!(after.verifier.verify(&first, &concert).is_err());
        let claims = after.verifier.verify(&second, &concert).unwrap();
        assert_eq!((claims.jti.as_str(), claims.ent), ("j", EntryNumber(1)));
    }

    fn token(headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        presented(&map, &ConcertId::parse("c").unwrap()).map(str::to_owned)
    }

    #[test]
    fn the_token_is_the_headers_or_the_cookies_of_this_concert() {
        let header = ("x-queue-token", "h");
        let cookie = |value| ("cookie", value);
        let expected = [
            (vec![], None),
            (vec![header], Some("h")),
            (vec![header, cookie("queue-token-c=k")], Some("h")),
            (vec![cookie("queue-token-c=k")], Some("k")),
            (vec![cookie("a=b;queue-token-c=k ; x")], Some("k")),
            (vec![cookie("a=b"), cookie("queue-token-c=k")], Some("k")),
            (vec![cookie("a=이름; queue-token-c=k")], Some("k")),
            (vec![cookie("queue-token-d=k; queue-token-c1=k")], None),
            (vec![cookie("Queue-Token-c=k")], None),
            (vec![cookie("queue-token-c")], None),
        ];
        for (headers, expected) in expected {
            assert_eq!(token(&headers).as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn two_tokens_are_none() {
        let header = |value| ("x-queue-token", value);
        fn cookie(value: &str) -> (&'static str, &str) {
            ("cookie", value)
        }
        assert_eq!(token(&[header("h"), header("i")]), None);
        for other in ["l", "이름"] {
            let two = format!("queue-token-c=k; queue-token-c={other}");
            assert_eq!(token(&[cookie(&two)]), None);
        }
        assert_eq!(token(&[header("h"), header("h")]).as_deref(), Some("h"));
        let same = [cookie("queue-token-c=k"), cookie("queue-token-c=k")];
        assert_eq!(token(&same).as_deref(), Some("k"));
    }
}
