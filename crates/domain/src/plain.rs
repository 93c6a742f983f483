//! Texts for people, written by others.

/// Returns whether a text is one line that reads as it is written: without control characters, line
/// breaks, and the characters that change the direction of other text (U+202A to U+202E and U+2066 to
/// U+2069), with which one text can pass for another.
///
/// ```
/// use sunbeon_domain::is_plain;
///
/// assert!(is_plain("데모 콘서트 🎫 שלום"));
/// assert!(!is_plain("two\nlines") && !is_plain("\0") && !is_plain("\u{202e}desrever"));
/// ```
pub fn is_plain(text: &str) -> bool {
    let breaks_lines = |c| matches!(c, '\u{2028}' | '\u{2029}');
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.contains(|c: char| c.is_control() || breaks_lines(c) || turns(c))
}
