#![doc = include_str!("../README.md")]

mod claims;
mod clock;
mod guests;
mod header;
mod keys;
mod passes;
mod presented;
mod rotate;
mod verify;

pub use claims::{AUDIENCE, Claims, TYPE};
pub use clock::unix_now;
pub use guests::{Guest, Guests, ShortSecret};
pub use header::{has_type, read_expiry, read_header};
pub use jsonwebtoken::jwk::JwkSet;
pub use keys::{InvalidKeys, SigningKeys, UnknownKey};
pub use passes::{Pass, Passes};
pub use presented::{
    MEMBER_ID, Presented, QUEUE_PASS, QUEUE_TOKEN, QUEUE_TOKEN_EXPIRES, cookie_name, forget_cookie,
    presented, remember_cookie,
};
pub use rotate::CannotRetire;
pub use verify::{InvalidJwks, InvalidToken, Verifier};
