//! The two languages of every text for people.

use serde::Deserialize;

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
pub enum Language {
    /// Korean.
    #[default]
    #[serde(rename = "ko")]
    Korean,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// Returns the language that an `Accept-Language` header (RFC 9110 §12.5.4) asks for.
    ///
    /// Of Korean and English, the one with the higher weight wins, or the first of equals. A header
    /// that asks only for other languages gets English. `None` means that the header does not ask
    /// for a language: it is empty, malformed or accepts any (`*`).
    ///
    /// ```
    /// use sunbeon_domain::Language;
    ///
    /// let asked = Language::asked_for;
    /// assert_eq!(asked("en-US,en;q=0.9,ko;q=0.8"), Some(Language::English));
    /// assert_eq!(asked("fr-FR,fr;q=0.9"), Some(Language::English));
    /// assert_eq!(asked("*"), None);
    /// ```
    pub fn asked_for(header: &str) -> Option<Self> {
        let ranges = || header.split(',').filter_map(range);
        let named = || ranges().filter(|(tag, _)| *tag != "*");
        let weight = |language: Self| {
            let own = named().filter(|(tag, _)| Self::named(tag) == Some(language));
            own.map(|(_, weight)| weight).max()
        };
        match (weight(Self::Korean), weight(Self::English)) {
            (Some(korean), Some(english)) if korean == english && korean > 0 => {
                named().find_map(|(tag, weight)| Self::named(tag).filter(|_| weight == korean))
            }
            (Some(korean), english) if korean > english.unwrap_or(0) => Some(Self::Korean),
            (_, Some(english)) if english > 0 => Some(Self::English),
            (None, Some(_)) => Some(Self::Korean),
            _ => named().next().map(|_| Self::English),
        }
    }

    /// Returns the language of a tag such as `en-GB`.
    fn named(tag: &str) -> Option<Self> {
        match tag.split('-').next() {
            Some(main) if main.eq_ignore_ascii_case("ko") => Some(Self::Korean),
            Some(main) if main.eq_ignore_ascii_case("en") => Some(Self::English),
            _ => None,
        }
    }
}

/// Returns a range of the header and its weight in thousandths; `None` for a malformed one.
fn range(text: &str) -> Option<(&str, u16)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let tag = tag.trim();
    let good = !tag.is_empty()
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'*');
    let parameters = parameters.trim();
    let weight = match parameters.split_once('=') {
        None if parameters.is_empty() => Some(1000),
        Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => thousandths(value.trim()),
        _ => None,
    };
    weight.filter(|_| good).map(|weight| (tag, weight))
}

/// Parses a weight: 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.bytes().all(|b| b.is_ascii_digit()) && decimals.len() <= 3;
    let part: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// In Korean.
    pub ko: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Text {
    /// Returns the text in one language.
    pub fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::Korean => self.ko,
            Language::English => self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_wins_and_other_languages_get_english() {
        use Language::{English, Korean};
        for (header, language) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", Some(Korean)),
            ("en-US,en;q=0.9,ko;q=0.8", Some(English)),
            ("ko;q=0.1, EN-gb;q=0.2", Some(English)),
            ("en;q=0.3, ko;q=0.4", Some(Korean)),
            ("ko,en", Some(Korean)),
            ("en,ko", Some(English)),
            ("en;q=1, ko;q=1.000", Some(English)),
            ("en;Q=0.5 , ko; q=0.25", Some(English)),
            ("fr, en;q=0.3", Some(English)),
            ("fr, ko;q=0.3", Some(Korean)),
            ("fr", Some(English)),
            ("ja-JP,ja;q=0.9", Some(English)),
            ("fr;q=1.0, *;q=0.5", Some(English)),
            ("ko;q=0", Some(English)),
            ("en;q=0", Some(Korean)),
            ("english, korean", Some(English)),
        ] {
            assert_eq!(Language::asked_for(header), language, "{header}");
        }
    }

    #[test]
    fn a_header_without_a_usable_language_gets_the_default() {
        for header in [
            "",
            " ",
            ",",
            ";",
            "*",
            "*;q=0.1",
            "en;q=nonsense",
            "en;q=",
            "en;q=2",
            "en;q=-1",
            "en;q=0.1234",
            "en;q=nan",
            "en;q=inf",
            "en;q",
            "en;x=1",
            "en us",
            "\u{ac00}",
            "q=1",
        ] {
            assert_eq!(Language::asked_for(header), None, "{header:?}");
        }
    }
}
