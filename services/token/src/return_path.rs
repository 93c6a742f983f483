//! The way back for a browser that a proxy sends to the waiting page.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The path and query that the visitor asked the proxy for.
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
/// The same in a refusal, encoded as a query parameter's value.
const RETURN_PATH: HeaderName = HeaderName::from_static("x-return-path");
/// A longer value might not fit into the headers that a proxy accepts.
const LONGEST: usize = 4096;
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Adds the way back to every 403, for proxies that cannot encode it.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let path = return_path(request.headers());
    let mut answer = next.run(request).await;
    if let Some(path) = path
        && answer.status() == StatusCode::FORBIDDEN
    {
        answer.headers_mut().insert(RETURN_PATH, path);
    }
    answer
}

/// Returns the path and query, encoded, or only the path if both are too long. Anything that does
/// not begin with a slash is dropped: appended to a host name, it would name another host.
fn return_path(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers.get(FORWARDED_URI)?.as_bytes();
    if !asked.starts_with(b"/") {
        return None;
    }
    let path = asked.split(|byte| *byte == b'?').next()?;
    let encoded = [asked, path].map(|part| percent_encode(part, &ENCODED).to_string());
    let fits = encoded.into_iter().find(|text| text.len() <= LONGEST)?;
    HeaderValue::try_from(fits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_browser_can_return_to_exactly_the_address_it_asked_for() {
        let back = |asked: &[u8]| {
            let asked = HeaderValue::from_bytes(asked).expect("no control characters");
            let headers = HeaderMap::from_iter([(FORWARDED_URI, asked)]);
            return_path(&headers).map(|path| path.to_str().expect("ASCII").to_owned())
        };
        for (asked, encoded) in [
            ("/seats?section=A&row=2", "/seats%3Fsection%3DA%26row%3D2"),
            ("/a%2Bb?c+d#e", "/a%252Bb%3Fc%2Bd%23e"),
            ("/서", "/%EC%84%9C"),
        ] {
            assert_eq!(back(asked.as_bytes()).as_deref(), Some(encoded));
        }
        let long = format!("/seats?{}", "&".repeat(LONGEST / 3));
        assert_eq!(back(long.as_bytes()).as_deref(), Some("/seats"));
        assert_eq!(back("/".repeat(LONGEST + 1).as_bytes()), None);
        for foreign in ["", "https://elsewhere.example/", "@elsewhere.example/"] {
            assert_eq!(back(foreign.as_bytes()), None, "{foreign}");
        }
    }
}
