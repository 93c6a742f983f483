//! A dead letter as operators are shown it.

use std::fmt::Write;

use serde::Serialize;
use sunbeon_broker::DeadLetter;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use utoipa::ToSchema;

/// How much of a body is shown, in characters.
const SHOWN: usize = 2_000;

/// A message on the queue of dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Letter {
    /// Left out, with the next two, if the body is not an ENTER message: then it cannot be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    concert_id: Option<ConcertId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_number: Option<EntryNumber>,
    /// Why it died, in RabbitMQ's words: `rejected` by the consumer, or `delivery_limit`, delivered too
    /// often. Left out if the broker does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it died, to the second. Left out if the broker does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    died_at: Option<UnixMs>,
    /// The length of the body in bytes.
    body_bytes: usize,
    /// The first 2,000 characters of the body, with control characters escaped. Left out if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let body_bytes = letter.body.len();
        let body = std::str::from_utf8(&letter.body).ok().map(shown);
        let enter = letter.enter;
        Self {
            concert_id: enter.as_ref().map(|enter| enter.concert_id.clone()),
            entry_number: enter.as_ref().map(|enter| enter.entry_number),
            member_id: enter.map(|enter| enter.member_id),
            reason: letter.reason.as_deref().map(shown),
            died_at: letter.died_at,
            body_bytes,
            body,
        }
    }
}

/// Returns the beginning of a text that anybody may have written: what would move the cursor or turn
/// the direction of the text is escaped as in Rust (`\n`, `\u{202e}`).
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(SHOWN) {
        let acts = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match acts {
            true => write!(shown, "{}", character.escape_default()).expect("a string takes all"),
            false => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_or_turns_the_text_is_escaped() {
        let body = "순번 \"{\n\u{1b}[2J\u{0}\u{9b}\u{202e}\u{2066}}\\";
        assert_eq!(
            shown(body),
            "순번 \"{\\n\\u{1b}[2J\\u{0}\\u{9b}\\u{202e}\\u{2066}}\\"
        );
    }

    #[test]
    fn two_thousand_characters_are_shown_of_a_body_and_nothing_of_one_that_is_no_text() {
        let letter = |body: Vec<u8>| {
            Letter::from(DeadLetter {
                body,
                enter: None,
                reason: None,
                died_at: None,
            })
        };
        let long = letter("가".repeat(2_001).into_bytes());
        assert_eq!(long.body_bytes, 6_003);
        assert_eq!(long.body, Some("가".repeat(2_000)));
        let bytes = letter(vec![0xff, b'a']);
        assert_eq!((bytes.body, bytes.body_bytes), (None, 2));
    }
}
