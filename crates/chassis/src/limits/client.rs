//! Finding the client behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The headers in which proxies report their client.
static FORWARDING: [&HeaderName; 3] = [&FORWARDED_FOR, &header::FORWARDED, &REAL_IP];

/// Returns whether a peer reports a client but is not trusted to.
pub(super) fn is_unbelieved(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let says = FORWARDING.iter().any(|name| headers.contains_key(*name));
    says && !is_trusted(&peer.to_canonical(), trusted)
}

fn is_trusted(address: &IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Returns the client's address: the peer's or, if the peer is a trusted proxy, the one that the
/// proxies report. Each proxy appends its client to `X-Forwarded-For`, so the list is read from the
/// right, past trusted proxies, to the first address that is not one; anything left of that may be
/// made up. A malformed entry counts as the proxy that passed it on.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let lines = headers.get_all(&FORWARDED_FOR).iter().rev();
    // A line that is not text is one malformed entry.
    let mut entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut client = peer.to_canonical();
    while is_trusted(&client, trusted) {
        match entries.next().and_then(parsed) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// Parses an address; some proxies append its port.
fn parsed(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = entry.parse().ok().or_else(with_port).or_else(bracketed)?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const TRUSTED: [&str; 3] = ["127.0.0.2/32", "10.0.0.0/8", "fd00::/8"];

    fn trusted() -> Vec<IpNet> {
        TRUSTED.map(|text| text.parse().unwrap()).into()
    }

    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        address(peer.parse().unwrap(), &headers, &trusted()).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_a_trusted_proxy() {
        for (peer, lines, is) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            (
                "10.0.0.1",
                &["198.51.100.1,203.0.113.7 , 10.9.9.9"],
                "203.0.113.7",
            ),
            (
                "10.0.0.1",
                &["198.51.100.1", "203.0.113.7", "10.9.9.9"],
                "203.0.113.7",
            ),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("fd00::1", &["2001:db8::1, 127.0.0.2"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(client(peer, &lines), is, "{peer} {lines:?}");
        }
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_its_headers_say() {
        for peer in ["203.0.113.7", "127.0.0.1", "11.0.0.1", "2001:db8::7"] {
            for line in ["198.51.100.1", "10.0.0.1", "127.0.0.2, 10.0.0.1", "x", ""] {
                assert_eq!(client(peer, &[line.as_bytes()]), peer);
            }
        }
    }

    #[test]
    fn a_malformed_entry_counts_against_the_proxy_that_passed_it_on() {
        for garbage in [
            "",
            "x",
            "unknown",
            "203.0.113",
            "203.0.113.7 x",
            "[",
            "]",
            "[]",
            ":",
            "[::1",
        ] {
            let line = format!("198.51.100.1, {garbage}");
            assert_eq!(client("10.0.0.1", &[line.as_bytes()]), "10.0.0.1");
            let line = format!("198.51.100.1, {garbage}, 10.0.0.2");
            assert_eq!(client("10.0.0.1", &[line.as_bytes()]), "10.0.0.2");
        }
        assert_eq!(
            client("10.0.0.1", &[b"198.51.100.1", b"\xff, 203.0.113.7"]),
            "10.0.0.1"
        );
    }

    proptest! {
        #[test]
        fn entries_left_of_the_client_never_matter(
            lines in prop::collection::vec("[ -~]{0,60}", 0..4),
            forged in "[ -~]{0,40}",
            hops in prop::collection::vec(0u8..=255, 0..4),
        ) {
            let hops: String = hops.iter().map(|last| format!(", 10.0.0.{last}")).collect();
            let mut lines = lines;
            lines.push(format!("{forged}, 203.0.113.7{hops}"));
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            prop_assert_eq!(client("10.0.0.1", &lines), "203.0.113.7");
        }
    }
}
