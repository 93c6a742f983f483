//! Where a visitor carries the booking token.

use http::{HeaderMap, HeaderName, header};
use sunbeon_domain::ConcertId;

const QUEUE_TOKEN: HeaderName = HeaderName::from_static("x-queue-token");

/// The token of the header `X-Queue-Token`, else of the cookie `queue-token-<concertId>`. Two that
/// differ are none: whoever else reads the request might take the other one.
pub(crate) fn presented<'a>(
    headers: &'a HeaderMap,
    concert: Option<&ConcertId>,
) -> Option<&'a str> {
    if headers.contains_key(QUEUE_TOKEN) {
        let tokens = headers.get_all(QUEUE_TOKEN).iter();
        return the_same(tokens.map(|token| token.to_str().ok()));
    }
    let name = format!("queue-token-{}", concert?);
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let tokens = pairs.filter_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(Some(value))
    });
    the_same(tokens)
}

fn the_same<'a>(mut tokens: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let first = tokens.next()??;
    tokens.all(|token| token == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        });
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    #[test]
    fn a_token_is_in_the_header_or_in_the_cookie_of_the_concert() {
        let demo = ConcertId::parse("demo").unwrap();
        for (given, expected) in [
            (&[][..], None),
            (&[("x-queue-token", "a")], Some("a")),
            (&[("x-queue-token", "a"), ("x-queue-token", "a")], Some("a")),
            (&[("x-queue-token", "a"), ("x-queue-token", "b")], None),
            (&[("x-queue-token", "a"), ("x-queue-token", "토큰")], None),
            (
                &[("x-queue-token", "a"), ("cookie", "queue-token-demo=b")],
                Some("a"),
            ),
            (
                &[("x-queue-token", "토큰"), ("cookie", "queue-token-demo=b")],
                None,
            ),
            (&[("cookie", "queue-token-demo=b")], Some("b")),
            (&[("cookie", "x=y; queue-token-demo=b;z")], Some("b")),
            (
                &[("cookie", "x=y"), ("cookie", "queue-token-demo=b")],
                Some("b"),
            ),
            (
                &[("cookie", "queue-token-demo=b; queue-token-demo=c")],
                None,
            ),
            (
                &[
                    ("cookie", "queue-token-demo=b"),
                    ("cookie", "queue-token-demo=c"),
                ],
                None,
            ),
            (&[("cookie", "queue-token-other=b")], None),
            (&[("cookie", "Queue-Token-demo=b")], None),
        ] {
            assert_eq!(
                presented(&headers(given), Some(&demo)),
                expected,
                "{given:?}"
            );
        }
    }

    #[test]
    fn without_a_concert_no_cookie_is_read() {
        let given = headers(&[("cookie", "queue-token-demo=b")]);
        assert_eq!(presented(&given, None), None);
        let given = headers(&[("x-queue-token", "a")]);
        assert_eq!(presented(&given, None), Some("a"));
    }
}
