//! Where a visitor carries the booking token.

use http::{HeaderMap, HeaderName, HeaderValue, header};
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
        return the_same(tokens.map(HeaderValue::as_bytes));
    }
    let name = format!("queue-token-{}=", concert?);
    // In bytes: a shop's other cookies may hold any.
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies.flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'));
    let tokens = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes()));
    the_same(tokens)
}

fn the_same<'a>(mut tokens: impl Iterator<Item = &'a [u8]>) -> Option<&'a str> {
    let first = tokens.next()?;
    let alone = tokens.all(|token| token == first).then_some(first)?;
    str::from_utf8(alone).ok().filter(|token| token.is_ascii())
}

#[cfg(test)]
mod tests {
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
            (&[("cookie", "a=이름; queue-token-demo=b")], Some("b")),
            (
                &[("cookie", "queue-token-demo=b; queue-token-demo=이름")],
                None,
            ),
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
