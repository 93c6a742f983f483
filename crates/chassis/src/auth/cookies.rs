//! Who a browser is: cookies, and whether a page of this site sent them.

use std::fmt::Write;

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use sunbeon_domain::UnixMs;
use sunbeon_tokens::{Guest, read_expiry, unix_now};

use super::{
    Auth,
    caller::{Caller, Refused},
};

/// The cookie with a guest's token.
pub(super) const GUEST_COOKIE: &str = "sunbeon-guest";
/// The cookie with the token by which an operator signed in to the console.
pub(super) const OPERATOR_COOKIE: &str = "sunbeon-operator";
/// How long an operator stays signed in, in seconds, unless their token ends earlier.
const OPERATOR_SECONDS: i64 = 12 * 3600;

/// Returns whether this can be a cookie's name; empty stands for none.
pub(super) fn is_name(name: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.bytes().all(of_name)
}

/// Returns the value of the first cookie with this name, which is the one of the closest path.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    if name.is_empty() {
        return None;
    }
    let lines = headers.get_all(header::COOKIE).iter();
    // As bytes, because the shop's other cookies may contain anything.
    let mut pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        str::from_utf8(value.strip_prefix(b"=")?)
            .ok()
            .filter(|value| !value.is_empty())
    })
}

/// Returns whether a page of this site sent the request, or the visitor themselves did.
///
/// Browsers tell where a request comes from in `Sec-Fetch-Site` (W3C Fetch Metadata §2.4); older ones in
/// `Origin`, which they send with every request that changes something.
pub fn is_own_page(request: &Parts) -> bool {
    let headers = &request.headers;
    let safe = request.method.is_safe();
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || (site == "none" && safe);
    }
    match headers.get(header::ORIGIN) {
        Some(origin) => headers.get(header::HOST).is_some_and(|host| {
            let origin = origin.as_bytes();
            let after_scheme = [&b"https://"[..], b"http://"]
                .into_iter()
                .find_map(|scheme| origin.strip_prefix(scheme));
            after_scheme.is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_bytes()))
        }),
        None => safe,
    }
}

impl Auth {
    /// Returns the guest that a browser is already, by its cookie; only a page of this site can ask so.
    pub fn known_guest(&self, request: &Parts) -> Option<Guest> {
        let token = value(&request.headers, GUEST_COOKIE).filter(|_| is_own_page(request))?;
        let Ok(Caller::Member(member)) = self.caller(token) else {
            return None;
        };
        let expiry = read_expiry(token).filter(|expiry| *expiry > unix_now())?;
        member.id.is_guest().then(|| Guest {
            id: member.id,
            token: token.to_owned(),
            expires_at: UnixMs(expiry * 1_000),
        })
    }

    /// Returns the `Set-Cookie`s that make a browser this guest from now on. A login's cookie comes first, so
    /// one that names nobody any longer is forgotten.
    pub fn guest_cookies(&self, guest: &Guest, headers: &HeaderMap) -> Vec<HeaderValue> {
        let seconds = guest.expires_at.0 / 1_000 - unix_now();
        let mut cookies = vec![set(GUEST_COOKIE, &guest.token, seconds, "Lax", headers)];
        let login = value(headers, &self.0.cookie).map(|token| self.caller(token));
        if let Some(Err(Refused::Answer(_))) = login {
            cookies.extend(self.login_cookie("", 0, headers));
        }
        cookies
    }

    /// Returns the `Set-Cookie` that signs an operator in with a token that [`Auth::admin_of`] accepted;
    /// `None` if the token has a character that no cookie can have.
    pub fn operator_cookie(&self, token: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        // RFC 6265 §4.1.1.
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        let cookie = || set(OPERATOR_COOKIE, token, OPERATOR_SECONDS, "Strict", headers);
        token.bytes().all(fits).then(cookie)
    }

    /// Returns the `Set-Cookie` that signs an operator out.
    pub fn forget_operator(&self, headers: &HeaderMap) -> HeaderValue {
        set(OPERATOR_COOKIE, "", 0, "Strict", headers)
    }

    /// Returns the `Set-Cookie` that signs a member in, as a shop's login would; `None` if `auth.cookie` is
    /// empty. An empty token signs them out.
    pub fn login_cookie(
        &self,
        token: &str,
        seconds: i64,
        headers: &HeaderMap,
    ) -> Option<HeaderValue> {
        let name = self.0.cookie.as_str();
        (!name.is_empty()).then(|| set(name, token, seconds, "Lax", headers))
    }
}

/// Returns a `Set-Cookie` for the whole site that no script can read.
fn set(name: &str, value: &str, seconds: i64, same_site: &str, headers: &HeaderMap) -> HeaderValue {
    let mut cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}");
    let _ = write!(cookie, "; Max-Age={}", seconds.max(0));
    if is_behind_tls(headers) {
        cookie.push_str("; Secure");
    }
    HeaderValue::try_from(cookie).expect("a name and a token are visible ASCII")
}

/// Returns whether the browser reached the front door by TLS. Who makes this header up only keeps their own
/// cookie from themselves.
pub fn is_behind_tls(headers: &HeaderMap) -> bool {
    let schemes = headers.get("x-forwarded-proto").map(HeaderValue::as_bytes);
    // Of several proxies, each adds its own behind the one before.
    let first = schemes.and_then(|schemes| schemes.split(|byte| *byte == b',').next());
    first.is_some_and(|scheme| scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
}
