//! Signing booking tokens, and checking the ones in a request.

use axum::http::HeaderMap;
use sunbeon_chassis::{ApiError, ApiResult};
use sunbeon_domain::{Code, ConcertId, EntryNumber, MemberId};
use sunbeon_store::TokenFacts;
use sunbeon_tokens::{AUDIENCE, Claims, InvalidToken, presented};

use crate::Token;

/// The booking tokens in a request for a concert, each with the result of its check.
pub(crate) struct Proofs {
    checked: Vec<Result<Claims, InvalidToken>>,
    by_cookie: bool,
}

impl Proofs {
    /// Returns the entries of the member's valid tokens.
    pub(crate) fn entries<'a>(&'a self, member: &'a MemberId) -> impl Iterator<Item = EntryNumber> {
        let valid = self.checked.iter().flatten();
        valid
            .filter(|claims| claims.sub == *member)
            .map(|claims| claims.ent)
    }

    /// Returns whether the request carries only cookies that can never let it pass again, for a
    /// member whose entry is `current`.
    pub(crate) fn are_spent(&self, member: &MemberId, current: Option<EntryNumber>) -> bool {
        let is_spent = |checked: &Result<Claims, InvalidToken>| match checked {
            Ok(claims) => claims.sub == *member && current != Some(claims.ent),
            Err(error) => error.is_final(),
        };
        self.by_cookie && !self.checked.is_empty() && self.checked.iter().all(is_spent)
    }
}

impl Token {
    /// Checks the signatures of a request's booking tokens. Only the store knows whether their
    /// sessions are still live.
    pub(crate) fn proofs(&self, headers: &HeaderMap, concert: &ConcertId) -> Proofs {
        let presented = presented(headers, Some(concert));
        let tokens = presented.tokens.iter();
        Proofs {
            checked: tokens
                .map(|token| self.verifier.verify(token, concert))
                .collect(),
            by_cookie: presented.by_cookie,
        }
    }

    /// Returns the token that the facts describe. If its key was retired before it expired, the
    /// active key signs it instead; nobody accepts the first one any longer, so still only one
    /// token is live.
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
    fn a_token_of_a_retired_key_is_signed_again_by_the_active_one() {
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
}
