//! The two languages of every text that a person reads.

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Korean, the default.
    #[default]
    Korean,
    /// English, when `Accept-Language` prefers it.
    English,
}

impl Language {
    /// The preferred of the two by an `Accept-Language` header (RFC 9110 §12.5.4): the listed
    /// range with the highest weight wins, the first of equals; Korean where neither is listed.
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (0.0_f32, Self::Korean);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("ko") => Self::Korean,
                Some("en") => Self::English,
                _ => continue,
            };
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// One text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// In Korean.
    pub ko: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Text {
    /// The text in one language.
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
    fn english_only_when_it_is_preferred() {
        for (header, language) in [
            ("", Language::Korean),
            ("ko-KR,ko;q=0.9,en;q=0.8", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("fr, en;q=0.3", Language::English),
            ("en;q=0.3, ko;q=0.4", Language::Korean),
            ("fr;q=1.0, *;q=0.5", Language::Korean),
            ("en;q=nonsense", Language::Korean),
        ] {
            assert_eq!(Language::from_accept_language(header), language, "{header}");
        }
    }
}
