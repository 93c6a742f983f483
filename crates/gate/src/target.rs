//! The way back to the page that was asked for; it leads only to the origin's own hosts.

use std::fmt;

use http::{
    HeaderName, header,
    request::Parts,
    uri::{PathAndQuery, Scheme},
};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// In bytes: it must fit into a header, percent-encoded.
const LONGEST: usize = 2048;

/// The address to return to after the line. It never leads to a foreign host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// Parses an `http://` or `https://` address on one of `own_hosts`, or a path that begins with
    /// exactly one `/`. At most 2,048 bytes of visible ASCII, without `\` and without a user name
    /// or password. An own host without a port stands for the default port of the scheme.
    ///
    /// ```
    /// use sunbeon_gate::Target;
    ///
    /// let own = ["shop.example".to_owned()];
    /// assert!(Target::parse("https://shop.example/seats?section=A", &own).is_some());
    /// assert!(Target::parse("/seats", &own).is_some());
    /// assert!(Target::parse("https://shop.example.evil/", &own).is_none());
    /// assert!(Target::parse("//evil", &own).is_none());
    /// ```
    pub fn parse(text: &str, own_hosts: &[String]) -> Option<Self> {
        let (scheme, rest) = match address(text)? {
            Address::Path => return Some(Self(text.to_owned())),
            Address::Full { scheme, rest } => (scheme, rest),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let host = Host::parse(&rest[..end])?;
        let own = own_hosts.iter().filter_map(|own| Host::parse(own));
        own.into_iter()
            .any(|own| own.is(&host, scheme))
            .then(|| Self(text.to_owned()))
    }

    /// Returns the address that a request asked for, as its browser knows it.
    pub(crate) fn of(request: &Parts, own_hosts: &[String]) -> Option<Self> {
        let uri = &request.uri;
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => only(request, header::HOST)?,
        };
        // Of several proxies, each adds its own behind the one before.
        let forwarded = only(request, FORWARDED_PROTO).and_then(|all| all.split(',').next());
        let scheme = forwarded
            .map(str::trim)
            .filter(|scheme| matches!(*scheme, "http" | "https"))
            .or(uri.scheme().map(Scheme::as_str))
            .unwrap_or("http");
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        Self::parse(&format!("{scheme}://{host}{path}"), own_hosts)
    }

    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the value of a header that occurs exactly once.
fn only(request: &Parts, name: HeaderName) -> Option<&str> {
    let mut values = request.headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

pub(crate) fn is_address(text: &str) -> bool {
    match address(text) {
        Some(Address::Full { rest, .. }) => !rest.is_empty(),
        Some(Address::Path) => true,
        None => false,
    }
}

pub(crate) fn is_host(text: &str) -> bool {
    Host::parse(text).is_some()
}

enum Address<'a> {
    Path,
    Full { scheme: Encryption, rest: &'a str },
}

#[derive(Clone, Copy)]
enum Encryption {
    Http,
    Https,
}

/// Parses only what all browsers read alike: they drop tabs and line breaks and treat `\` as `/`.
fn address(text: &str) -> Option<Address<'_>> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if !plain || text.len() > LONGEST {
        return None;
    }
    if let Some(path) = text.strip_prefix('/') {
        return (!path.starts_with('/')).then_some(Address::Path);
    }
    let (scheme, rest) = text.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Encryption::Http,
        "https" => Encryption::Https,
        _ => return None,
    };
    Some(Address::Full { scheme, rest })
}

#[derive(PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Parses a name, an IPv4 address or a bracketed IPv6 address, with or without a port and
    /// without `user@`.
    fn parse(text: &str) -> Option<Self> {
        let ends = match text.rfind(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, port) = text.split_at(ends);
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if port.is_empty() => None,
            _ => return None,
        };
        let bracketed = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let good = match bracketed {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            }
        };
        good.then(|| Self {
            name: name.to_ascii_lowercase(),
            port,
        })
    }

    fn is(&self, other: &Self, scheme: Encryption) -> bool {
        let of_scheme = match scheme {
            Encryption::Http => 80,
            Encryption::Https => 443,
        };
        self.name == other.name && self.port.unwrap_or(of_scheme) == other.port.unwrap_or(of_scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<String> {
        [
            "shop.example",
            "127.0.0.1:8080",
            "[::1]:8080",
            "Tickets.Example:443",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn the_way_back_is_a_path_or_on_an_own_host() {
        for good in [
            "/",
            "/seats?section=A&back=//evil#top",
            "http://shop.example",
            "https://shop.example/a/b?c=d@evil#e",
            "HTTPS://SHOP.example/a",
            "https://shop.example?x",
            "https://shop.example:443/",
            "http://shop.example:80/",
            "http://127.0.0.1:8080/seats",
            "http://[::1]:8080/seats",
            "https://tickets.example/",
            "http://tickets.example:443/",
        ] {
            let target = Target::parse(good, &own());
            assert_eq!(target.expect(good).as_str(), good);
        }
    }

    #[test]
    fn no_way_back_leads_to_a_foreign_host() {
        for evil in [
            "",
            " ",
            "seats",
            "//evil",
            "///evil",
            "//shop.example",
            "/\\evil",
            "\\/evil",
            "\\\\evil",
            "/a\\b",
            "/\tevil",
            "/\n/evil",
            "\t//evil",
            " https://shop.example/",
            "https://shop.example/ ",
            "https://evil",
            "https://evil/https://shop.example",
            "https://evil?shop.example",
            "https://evil#shop.example",
            "https://evil\\shop.example",
            "https://shop.example@evil",
            "https://shop.example:x@evil/",
            "https://a@shop.example/",
            "https://shop.example.evil",
            "https://shop.example.",
            "https://evil.shop.example",
            "https://xshop.example",
            "https://shop.example\\@evil",
            "https://shop.example%2Eevil",
            "https://shop.example%00.evil",
            "https://shop.example:8443/",
            "https://shop.example:80/",
            "http://shop.example:443/",
            "https://shop.example:/",
            "https://shop.example:+443/",
            "https://shop.example:99999/",
            "https://shop.example:443:443/",
            "http://tickets.example/",
            "http://127.0.0.1/",
            "http://127.0.0.1:80801/",
            "http://[::1]/",
            "http://[::1]x:8080/",
            "http://]shop.example",
            "https:shop.example",
            "https:/shop.example",
            "https:///shop.example",
            "https://",
            "ht\ntps://shop.example",
            "https://shop\t.example",
            "javascript:alert(1)",
            "JavaScript://shop.example/%0aalert(1)",
            "data:text/html,x",
            "ftp://shop.example/",
            "http://shop.example/\u{7f}",
            "http://shop.example/좌석",
            "http://ѕhop.example/",
            &format!("/{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(Target::parse(evil, &own()), None, "{evil:?}");
        }
    }

    #[test]
    fn without_own_hosts_only_paths_are_accepted() {
        assert_eq!(Target::parse("http://shop.example/", &[]), None);
        assert!(Target::parse("/seats", &[]).is_some());
    }
}
