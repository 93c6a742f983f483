//! The language of a page.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use sunbeon_domain::Language;

const COOKIE: &str = "sunbeon-lang";
/// In seconds: a year.
const KEPT: u32 = 31_536_000;

/// The language that a visitor has chosen: by `?lang=` on this page, else on an earlier one, else as
/// the process found it in `Accept-Language`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// The language.
    pub language: Language,
    /// Whether this request chose it, so that it is to be remembered.
    now: bool,
}

impl Chosen {
    /// Returns the `Set-Cookie` that remembers a choice just made.
    pub(crate) fn cookie(self) -> Option<HeaderValue> {
        let tag = tag(self.language);
        let cookie = format!("{COOKIE}={tag}; Path=/; Max-Age={KEPT}; SameSite=Lax");
        self.now
            .then(|| HeaderValue::try_from(cookie).expect("visible ASCII"))
    }
}

/// Returns the language's tag: `ko` or `en`.
pub(crate) fn tag(language: Language) -> &'static str {
    match language {
        Language::Korean => "ko",
        Language::English => "en",
    }
}

fn parse(tag: &str) -> Option<Language> {
    match tag {
        "ko" => Some(Language::Korean),
        "en" => Some(Language::English),
        _ => None,
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Chosen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut pairs = parts.uri.query().unwrap_or_default().split('&');
        let asked = pairs.find_map(|pair| parse(pair.strip_prefix("lang=")?));
        let kept = || remembered(&parts.headers);
        let found = || parts.extensions.get().copied().unwrap_or_default();
        Ok(Self {
            language: asked.or_else(kept).unwrap_or_else(found),
            now: asked.is_some(),
        })
    }
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.find_map(|pair| parse(pair.trim().strip_prefix(COOKIE)?.strip_prefix('=')?))
}
