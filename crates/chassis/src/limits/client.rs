//! Whose request it is when proxies stand between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The headers in which proxies say for whom they ask.
const FORWARDING: [&str; 3] = [FORWARDED_FOR, "forwarded", "x-real-ip"];

/// Whether a peer says for whom it asks without being one that is believed.
pub(super) fn is_unbelieved(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let says = FORWARDING.iter().any(|name| headers.contains_key(*name));
    says && !is_trusted(&peer.to_canonical(), trusted)
}

fn is_trusted(address: &IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The address of the client: the peer's or, where the peer is a trusted proxy, what the proxies
/// say. Each of them appends to `X-Forwarded-For` whom it was asked by, so it is read from the
/// right, past trusted proxies, to the first address that is none: everything left of that a client
/// may have made up. Where an entry is malformed, the proxy that handed it over counts.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    // What is no text is one malformed entry.
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

/// An address; some proxies write its port too.
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
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        address(peer.parse().unwrap(), &headers, &trusted()).to_string()
    }

    #[test]
    fn the_first_from_the_right_that_is_no_trusted_proxy_is_the_client() {
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
    fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() {
        for peer in ["203.0.113.7", "127.0.0.1", "11.0.0.1", "2001:db8::7"] {
            for line in ["198.51.100.1", "10.0.0.1", "127.0.0.2, 10.0.0.1", "x", ""] {
                assert_eq!(client(peer, &[line.as_bytes()]), peer);
            }
        }
    }

    #[test]
    fn a_malformed_entry_counts_against_who_handed_it_over() {
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
        fn what_stands_left_of_the_client_never_matters(
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
