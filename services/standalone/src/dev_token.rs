//! `POST /dev/token`: access tokens for anyone, on loopback alone.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, header, uri::Authority},
};
use serde::{Deserialize, Serialize};
use sunbeon_chassis::{ApiError, ApiResult, Auth, Body, Reply, Success};
use sunbeon_domain::{Code, Field, MemberId, Text};
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

/// Whom the token names.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewAccessToken {
    #[schema(value_type = MemberId)]
    member_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    admin: bool,
}

#[derive(Serialize, ToSchema)]
struct AccessToken {
    /// An access token for 24 hours.
    token: String,
}

/// Make an access token. Only while the process listens on a loopback address, and for nobody who
/// comes through a proxy.
#[utoipa::path(
    post, path = "/dev/token", tag = "dev", request_body = NewAccessToken,
    responses((status = 201, body = Success<AccessToken>))
)]
async fn issue(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Body(wanted): Body<NewAccessToken>,
) -> ApiResult<Reply<AccessToken>> {
    if !is_asked_here(&headers) {
        return Err(Code::Forbidden.into());
    }
    let id = MemberId::parse(wanted.member_id).ok();
    // No login names a guest.
    let id = id.filter(|id| !id.is_guest());
    let id = id.ok_or(Code::Invalid(Field::MemberId))?;
    if wanted.name.chars().count() > 100 {
        return Err(Code::Invalid(Field::Name).into());
    }
    let token = auth
        .issue(&id, &wanted.name, wanted.admin, LIFE)
        .map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
    Ok(Reply::created(ISSUED, AccessToken { token }))
}

/// Whether the caller means this machine and says so itself: a proxy would make the route
/// everybody's, and so would a page whose host's name leads here.
fn is_asked_here(headers: &HeaderMap) -> bool {
    let proxied = [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
    ];
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    let here = host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        let address = name.parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
    });
    here && !proxied.iter().any(|name| headers.contains_key(*name))
}
