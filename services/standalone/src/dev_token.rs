//! `POST /dev/token`: access tokens for anybody on this machine.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sunbeon_chassis::{ApiError, ApiResult, Auth, Body, Reply, Success};
use sunbeon_client::AccessToken;
use sunbeon_domain::{Code, Field, MemberId, Text, is_plain};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

const ISSUED: Text = Text {
    ko: "개발용 토큰 발급 성공",
    en: "Here is an access token.",
};
/// How long a development token lives.
pub(crate) const LIFE: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn router(auth: Auth) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(issue)).with_state(auth)
}

/// Names the member of the token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"memberId": "42", "name": "Kim", "admin": false}))]
struct NewAccessToken {
    #[schema(value_type = MemberId)]
    member_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    admin: bool,
}

/// Issues an access token.
///
/// Only while the process listens on a loopback address, and never through a proxy.
#[utoipa::path(
    post, path = "/dev/token", tag = "development", operation_id = "createDevelopmentToken",
    request_body = NewAccessToken,
    extensions(("x-fails" = json!([
        "FORBIDDEN",
    ]))),
    responses(
        (status = 201, description = ISSUED.en, body = Success<AccessToken>),
    )
)]
async fn issue(
    State(auth): State<Auth>,
    Body(wanted): Body<NewAccessToken>,
) -> ApiResult<Reply<AccessToken>> {
    let parsed = MemberId::parse(wanted.member_id).ok();
    // An access token cannot name a guest.
    let member = parsed.filter(|id| !id.is_guest());
    let id = member.ok_or(Code::Invalid(Field::MemberId))?;
    if wanted.name.chars().count() > 100 || !is_plain(&wanted.name) {
        return Err(Code::Invalid(Field::Name).into());
    }
    let token = auth
        .issue(&id, &wanted.name, wanted.admin, LIFE)
        .map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
    Ok(Reply::created(ISSUED, AccessToken { token }))
}

/// Lets only requests from this machine through.
pub(crate) async fn only_here(request: Request, next: Next) -> Response {
    if is_asked_here(request.version(), request.headers()) {
        return next.run(request).await;
    }
    ApiError::from(Code::Forbidden).into_response()
}

/// Headers added by proxies. A request with one of them comes from elsewhere.
const FORWARDED: [&str; 9] = [
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// Returns whether the request comes from this machine: not through a proxy, which would open the
/// route to everybody, and not from another site's page, which would open it to that site.
fn is_asked_here(version: Version, headers: &HeaderMap) -> bool {
    let proxied = FORWARDED.iter().any(|name| headers.contains_key(*name));
    // nginx and others speak HTTP/1.0 to their upstreams.
    version == Version::HTTP_11 && !proxied && names_this_machine(headers) && is_own_page(headers)
}

/// Returns whether `Host` is a loopback address: another name may lead here, too.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = text(headers, &header::HOST).and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        let address = name.parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
    })
}

/// Returns whether the request comes from no page, or from a page that this process served,
/// whatever CORS allows.
fn is_own_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    let same_site = site.is_none_or(|site| site == "same-origin" || site == "none");
    let same_origin = match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => text(headers, &header::HOST)
            .is_some_and(|host| origin.as_bytes() == format!("http://{host}").as_bytes()),
    };
    same_site && same_origin
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
