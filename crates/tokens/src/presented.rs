//! Where a request carries the booking token, and the related header names.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sunbeon_domain::ConcertId;

/// The header with the booking token, in requests and in the answers that issue one.
pub const QUEUE_TOKEN: HeaderName = HeaderName::from_static("x-queue-token");
/// The header with the end of an issued booking token, in Unix seconds.
pub const QUEUE_TOKEN_EXPIRES: HeaderName = HeaderName::from_static("x-queue-token-expires");
/// The header with the pass of a waiting member.
pub const QUEUE_PASS: HeaderName = HeaderName::from_static("x-queue-pass");
/// The header by which a proxy names the member to its origin.
pub const MEMBER_ID: HeaderName = HeaderName::from_static("x-member-id");

/// The most cookies of one name that are read. Browsers keep one for each path and domain that set
/// it; a client that sends a thousand must not cost a thousand signature checks.
const MOST: usize = 4;

/// The booking tokens in a request; any of them may be the valid one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presented<'a> {
    /// Every token once, as sent; at most one if the header carries it.
    pub tokens: Vec<&'a str>,
    /// Whether they come from cookies.
    pub by_cookie: bool,
}

/// Returns the name of the cookie for a concert's booking token.
pub fn cookie_name(concert: &ConcertId) -> String {
    format!("queue-token-{concert}")
}

/// Returns the `Set-Cookie` by which a browser presents a booking token of this concert for so many seconds.
/// No script can read it; behind TLS it is sent by TLS only.
pub fn remember_cookie(
    concert: &ConcertId,
    token: &str,
    seconds: i64,
    secure: bool,
) -> HeaderValue {
    let name = cookie_name(concert);
    let seconds = seconds.max(0);
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::try_from(cookie).expect("a concert id and a token are visible ASCII")
}

/// Returns the `Set-Cookie` that removes a concert's cookie from a browser. It removes the cookie
/// that was set for the host and `Path=/`.
pub fn forget_cookie(concert: &ConcertId) -> HeaderValue {
    let cookie = format!("{}=; Path=/; Max-Age=0; SameSite=Lax", cookie_name(concert));
    HeaderValue::try_from(cookie).expect("a concert id is visible ASCII")
}

/// Returns the token in the header `X-Queue-Token` or, without that header, those in the cookies
/// `queue-token-<concertId>`; without a concert no cookies are read.
///
/// Two different headers count as none, because another reader of the request might use the other
/// one. Of two different cookies, one is usually left over from an earlier session and set for
/// another path or domain, which only the browser can tell; so both are returned.
pub fn presented<'a>(headers: &'a HeaderMap, concert: Option<&ConcertId>) -> Presented<'a> {
    if headers.contains_key(QUEUE_TOKEN) {
        return by_header(headers);
    }
    concert.map_or_else(Presented::default, |concert| by_cookie(headers, concert))
}

fn by_header(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(QUEUE_TOKEN).iter();
    let first = values.next();
    let only = first.filter(|first| values.all(|value| value == *first));
    Presented {
        tokens: only
            .and_then(|value| value.to_str().ok())
            .into_iter()
            .collect(),
        by_cookie: false,
    }
}

fn by_cookie<'a>(headers: &'a HeaderMap, concert: &ConcertId) -> Presented<'a> {
    let name = cookie_name(concert);
    let lines = headers.get_all(header::COOKIE).iter();
    // As bytes, because the shop's other cookies may contain anything.
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        str::from_utf8(value.strip_prefix(b"=")?).ok()
    });
    let mut tokens = Vec::new();
    for token in values.filter(|token| token.is_ascii()) {
        if tokens.len() < MOST && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    Presented {
        tokens,
        by_cookie: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    fn demo() -> ConcertId {
        ConcertId::parse("demo").unwrap()
    }

    #[test]
    fn the_tokens_are_the_headers_or_the_cookies_of_the_concert() {
        let header = |value| ("x-queue-token", value);
        let cookie = |value| ("cookie", value);
        let none: [&str; 0] = [];
        for (given, expected) in [
            (vec![], &none[..]),
            (vec![header("a")], &["a"]),
            (vec![header("a"), header("a")], &["a"]),
            (vec![header("a"), header("b")], &[]),
            (vec![header("a"), header("토큰")], &[]),
            (vec![header("a"), cookie("queue-token-demo=b")], &["a"]),
            (vec![header("토큰"), cookie("queue-token-demo=b")], &[]),
            (vec![cookie("queue-token-demo=b")], &["b"]),
            (vec![cookie("x=y; queue-token-demo=b ;z")], &["b"]),
            (vec![cookie("a=이름; queue-token-demo=b")], &["b"]),
            (vec![cookie("x=y"), cookie("queue-token-demo=b")], &["b"]),
            (
                vec![cookie("queue-token-demo=b; queue-token-demo=b")],
                &["b"],
            ),
            (
                vec![cookie("queue-token-demo=b; queue-token-demo=c")],
                &["b", "c"],
            ),
            (
                vec![cookie("queue-token-demo=c"), cookie("queue-token-demo=b")],
                &["c", "b"],
            ),
            (
                vec![cookie("queue-token-demo=b; queue-token-demo=이름")],
                &["b"],
            ),
            (
                vec![cookie("queue-token-other=b; queue-token-demo1=b")],
                &[],
            ),
            (vec![cookie("Queue-Token-demo=b")], &[]),
            (vec![cookie("queue-token-demo")], &[]),
        ] {
            let headers = headers(&given);
            let presented = presented(&headers, Some(&demo()));
            assert_eq!(presented.tokens, expected, "{given:?}");
            let by_header = given.iter().any(|(name, _)| *name == "x-queue-token");
            assert_eq!(presented.by_cookie, !by_header, "{given:?}");
        }
    }

    #[test]
    fn without_a_concert_no_cookie_is_read() {
        let given = headers(&[("cookie", "queue-token-demo=b")]);
        assert_eq!(presented(&given, None), Presented::default());
        let given = headers(&[("x-queue-token", "a")]);
        assert_eq!(presented(&given, None).tokens, ["a"]);
    }

    #[test]
    fn the_number_of_tokens_in_a_request_is_bounded() {
        let many: Vec<_> = (0..1_000)
            .map(|n| format!("queue-token-demo={n}"))
            .collect();
        let given = headers(&[("cookie", &many.join("; "))]);
        assert_eq!(
            presented(&given, Some(&demo())).tokens,
            ["0", "1", "2", "3"]
        );
    }
}
