//! Tokens whose signature was verified before, so that each signature is checked once.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use sunbeon_tokens::{Claims, Verifier};

const GENERATION: usize = 50_000;

type Generation = HashMap<Box<str>, Arc<Claims>>;

/// The claims of verified tokens, by the whole token. An entry says nothing about the token's
/// expiry, its owner or its revocation.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    /// The keys that verified these tokens. New keys empty the cache.
    keys: Option<Arc<Verifier>>,
    young: Generation,
    old: Generation,
}

impl Seen {
    pub(crate) fn get(&self, keys: &Arc<Verifier>, token: &str) -> Option<Arc<Claims>> {
        let mut retired = Generation::new();
        let found = {
            let mut tokens = self.0.lock();
            let tokens = &mut *tokens;
            if !tokens.by(keys) {
                let former = std::mem::take(tokens);
                tokens.keys = Some(keys.clone());
                retired = former.young;
                retired.extend(former.old);
                None
            } else if let Some(claims) = tokens.young.get(token) {
                Some(claims.clone())
            } else if let Some((token, claims)) = tokens.old.remove_entry(token) {
                retired = tokens.keep(token, claims.clone());
                Some(claims)
            } else {
                None
            }
        };
        drop(retired); // slow, so not under the lock
        found
    }

    /// Keeps the claims of a token that these keys verified, unless the keys have changed since.
    pub(crate) fn keep(&self, keys: &Arc<Verifier>, token: &str, claims: Arc<Claims>) {
        let retired = {
            let mut tokens = self.0.lock();
            if !tokens.by(keys) {
                return;
            }
            tokens.keep(token.into(), claims)
        };
        drop(retired);
    }
}

impl Tokens {
    fn by(&self, keys: &Arc<Verifier>) -> bool {
        self.keys.as_ref().is_some_and(|own| Arc::ptr_eq(own, keys))
    }

    /// Returns the generation that was dropped to make room.
    fn keep(&mut self, token: Box<str>, claims: Arc<Claims>) -> Generation {
        let mut retired = Generation::new();
        if self.young.len() >= GENERATION {
            let young = std::mem::take(&mut self.young);
            retired = std::mem::replace(&mut self.old, young);
        }
        self.young.insert(token, claims);
        retired
    }
}

#[cfg(test)]
mod tests {
    use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
    use sunbeon_tokens::{AUDIENCE, SigningKeys};

    use super::*;

    fn keys() -> Arc<Verifier> {
        let keys = SigningKeys::generate().unwrap();
        Arc::new(Verifier::from_keys(&keys, "sunbeon"))
    }

    fn claims() -> Arc<Claims> {
        Arc::new(Claims {
            iss: "sunbeon".to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: MemberId::parse("42").unwrap(),
            cid: ConcertId::parse("demo").unwrap(),
            ent: EntryNumber(1),
            jti: "a".to_owned(),
            iat: 1,
            exp: 2,
        })
    }

    fn held(seen: &Seen) -> usize {
        let tokens = seen.0.lock();
        tokens.young.len() + tokens.old.len()
    }

    #[test]
    fn new_keys_empty_the_cache() {
        let (seen, first, second) = (Seen::default(), keys(), keys());
        assert!(seen.get(&first, "a").is_none());
        seen.keep(&first, "a", claims());
        assert!(seen.get(&first, "a").is_some());
        assert!(seen.get(&second, "a").is_none());
        assert_eq!(held(&seen), 0);
        seen.keep(&first, "a", claims());
        assert!(
            seen.get(&second, "a").is_none(),
            "checked by the previous keys"
        );
        assert!(seen.get(&first, "a").is_none());
    }

    #[test]
    fn at_most_two_generations_are_kept_and_tokens_in_use_stay() {
        let (seen, keys, claims) = (Seen::default(), keys(), claims());
        seen.get(&keys, "in use");
        seen.keep(&keys, "in use", claims.clone());
        seen.keep(&keys, "not in use", claims.clone());
        for n in 0..4 * GENERATION {
            seen.keep(&keys, &n.to_string(), claims.clone());
            if n % 1_000 == 0 {
                assert!(seen.get(&keys, "in use").is_some(), "{n}");
            }
            assert!(held(&seen) <= 2 * GENERATION);
        }
        assert!(seen.get(&keys, "not in use").is_none());
    }
}
