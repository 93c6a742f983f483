//! Rotating signing keys, one step at a time.

use crate::{InvalidKeys, SigningKeys, UnknownKey};

/// Why a key cannot be retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRetire {
    /// No key has this id.
    #[error(transparent)]
    Unknown(#[from] UnknownKey),
    /// It is the last key.
    #[error("it is the only key")]
    Last,
    /// It is the active key.
    #[error("it is the active key: activate another one first")]
    Active,
}

impl SigningKeys {
    /// Returns the ids of all keys; the first is [`SigningKeys::active_kid`].
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.kid.as_str())
    }

    /// Adds a new key after the others, published but not signing yet, and returns its id.
    pub fn add(&mut self) -> Result<&str, InvalidKeys> {
        let Self(new) = Self::generate()?;
        self.0.extend(new);
        Ok(self.kids().last().expect("a key was just added"))
    }

    /// Moves a key to the front, so that it signs new tokens. The others keep their order.
    pub fn activate(&mut self, kid: &str) -> Result<(), UnknownKey> {
        let place = self.place_of(kid)?;
        self.0[..=place].rotate_right(1);
        Ok(())
    }

    /// Removes a key that does not sign; its tokens are no longer valid.
    pub fn retire(&mut self, kid: &str) -> Result<(), CannotRetire> {
        match (self.place_of(kid)?, self.0.len()) {
            (_, 1) => Err(CannotRetire::Last),
            (0, _) => Err(CannotRetire::Active),
            (place, _) => {
                self.0.remove(place);
                Ok(())
            }
        }
    }

    fn place_of(&self, kid: &str) -> Result<usize, UnknownKey> {
        self.kids().position(|known| known == kid).ok_or(UnknownKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kids(keys: &SigningKeys) -> Vec<String> {
        keys.kids().map(str::to_owned).collect()
    }

    /// Returns three keys and their ids.
    fn three() -> (SigningKeys, [String; 3]) {
        let mut keys = SigningKeys::generate().unwrap();
        keys.add().unwrap();
        keys.add().unwrap();
        let ids = kids(&keys).try_into().unwrap();
        (keys, ids)
    }

    #[test]
    fn a_new_key_is_published_and_does_not_sign_yet() {
        let mut keys = SigningKeys::generate().unwrap();
        let first = keys.active_kid().to_owned();
        let second = keys.add().unwrap().to_owned();
        assert_eq!(keys.active_kid(), first);
        assert_eq!(kids(&keys), [first, second]);
        assert_eq!(keys.jwks().keys.len(), 2);
    }

    #[test]
    fn an_activated_key_signs_and_the_others_keep_their_order() {
        let (mut keys, [a, b, c]) = three();
        keys.activate(&c).unwrap();
        assert_eq!(keys.active_kid(), c);
        assert_eq!(kids(&keys), [c.clone(), a.clone(), b.clone()]);
        keys.activate(&c).unwrap();
        assert_eq!(kids(&keys), [c, a, b]);
    }

    #[test]
    fn a_retired_key_is_gone_and_the_active_key_cannot_be_retired() {
        let (mut keys, [a, b, c]) = three();
        assert_eq!(keys.retire(&a), Err(CannotRetire::Active));
        assert_eq!(kids(&keys).len(), 3);
        keys.retire(&b).unwrap();
        assert_eq!(kids(&keys), [a.clone(), c.clone()]);
        assert_eq!(keys.jwks().keys.len(), 2);
        keys.retire(&c).unwrap();
        assert_eq!(keys.retire(&a), Err(CannotRetire::Last));
        assert_eq!(kids(&keys), [a]);
    }

    #[test]
    fn an_unknown_id_changes_nothing() {
        let (mut keys, ids) = three();
        assert_eq!(keys.activate("unknown"), Err(UnknownKey));
        assert_eq!(
            keys.retire("unknown"),
            Err(CannotRetire::Unknown(UnknownKey))
        );
        assert_eq!(kids(&keys), ids);
    }

    #[test]
    fn a_file_keeps_the_keys_in_their_order() {
        let (mut keys, [_, b, _]) = three();
        keys.activate(&b).unwrap();
        let read = SigningKeys::from_pem(&keys.to_pem()).unwrap();
        assert_eq!(kids(&read), kids(&keys));
    }
}
