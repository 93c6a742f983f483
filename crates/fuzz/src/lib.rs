//! What the targets in `src/bin` share. `scripts/fuzz` builds and runs them; docs/fuzzing.md says what each
//! holds true.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, request::Parts};
use serde::Deserialize;
use sunbeon_chassis::{Auth, settings};
use url::Url;

/// The secret of access tokens.
pub const HS256_SECRET: &str = "a secret that only the fuzz targets sign with";
/// The static token of a shop's back end.
pub const ORIGIN_TOKEN: &str = "an-origin-token-of-the-fuzz-targets";
/// The hosts of the shop.
pub const OWN_HOSTS: [&str; 4] = [
    "shop.example",
    "tickets.example:8443",
    "127.0.0.1:8080",
    "[::1]:8080",
];

/// The sections of the settings that a service reads.
#[derive(Deserialize)]
pub struct Settings {
    /// The server's.
    pub http: settings::Http,
    /// Those of access tokens.
    pub auth: settings::Auth,
    /// Those of callers' limits; there are none.
    pub limits: settings::Limits,
    /// The shop's addresses.
    pub gate: sunbeon_gate::Settings,
}

impl Settings {
    /// Returns the settings of a Sunbeon that nobody else knows the secrets of.
    pub fn load() -> Self {
        let set = [
            ("AUTH__HS256_SECRET", HS256_SECRET),
            ("AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN),
            ("AUTH__GUEST_SECRET", "another secret, for guests' tokens"),
            ("LIMITS__ADDRESS_PER_SECOND", "0"),
            ("LIMITS__MEMBER_PER_SECOND", "0"),
            ("LIMITS__PROXIED_MEMBER_PER_SECOND", "0"),
            ("LIMITS__ENDINGS_PER_HOUR", "0"),
            ("LIMITS__TRUSTED_PROXIES", "127.0.0.1"),
        ];
        let set = set.map(|(key, value)| (format!("SUNBEON__{key}"), value.to_owned()));
        let mut settings: Self = settings::load_from(set.into()).expect("good settings");
        settings.gate.login_page = "/login?next={target}".to_owned();
        settings.gate.own_hosts = OWN_HOSTS.map(str::to_owned).into();
        settings
    }

    /// Returns the check of access tokens.
    pub fn auth(&self) -> Auth {
        Auth::new(&self.auth, &self.limits).expect("good secrets")
    }
}

/// Reads headers, one a line as `name: value`. Returns `None` if hyper would have refused them.
pub fn headers(data: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in data
        .split(|byte| *byte == b'\n')
        .filter(|it| !it.is_empty())
    {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
    Some(headers)
}

/// Reads the head of a request: `METHOD address`, then its headers. Returns `None` if hyper would have refused it.
pub fn head(data: &[u8]) -> Option<Parts> {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = data.split_at(end.unwrap_or(data.len()));
    let (method, address) = str::from_utf8(line).ok()?.split_once(' ')?;
    let request = Request::builder().method(method).uri(address);
    let (mut parts, ()) = request.body(()).ok()?.into_parts();
    parts.headers = headers(rest)?;
    Some(parts)
}

/// Returns a text with some of its bytes replaced, removed or inserted, as an input says in steps of four bytes;
/// what a forger does who has a good one. `None` if the result is no text.
pub fn forged(good: &str, steps: &[u8]) -> Option<String> {
    let mut bytes = good.as_bytes().to_vec();
    for step in steps.chunks_exact(4) {
        let place = usize::from(u16::from_le_bytes([step[0], step[1]])) % (bytes.len() + 1);
        match step[2] % 3 {
            0 if place < bytes.len() => bytes[place] = step[3],
            1 if place < bytes.len() => drop(bytes.remove(place)),
            _ => bytes.insert(place, step[3]),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Follows an address as a browser does (WHATWG URL), from a page of the shop.
///
/// # Panics
/// If a browser could not.
pub fn followed(address: &str) -> Url {
    let page = Url::parse("https://shop.example/waiting-room/demo").expect("a URL");
    page.join(address)
        .expect("a browser could not follow the address")
}

/// Returns whether an address leads to the shop and nowhere else.
pub fn is_own(url: &Url) -> bool {
    let own = [
        ("shop.example", 80),
        ("shop.example", 443),
        ("tickets.example", 8443),
        ("127.0.0.1", 8080),
        ("[::1]", 8080),
    ];
    let place = url.host_str().zip(url.port_or_known_default());
    matches!(url.scheme(), "http" | "https")
        && place.is_some_and(|place| own.contains(&place))
        && url.username().is_empty()
        && url.password().is_none()
}
