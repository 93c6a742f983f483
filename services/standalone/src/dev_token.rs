//! `POST /dev/token`: access tokens for anyone, on loopback alone.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap};
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
struct Wanted {
    #[schema(value_type = MemberId)]
    member_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    admin: bool,
}

#[derive(Serialize, ToSchema)]
struct Issued {
    /// An access token for 24 hours.
    token: String,
}

/// Make an access token. Only while the process listens on a loopback address, and for nobody who
/// comes through a proxy.
#[utoipa::path(
    post, path = "/dev/token", tag = "dev", request_body = Wanted,
    responses((status = 201, body = Success<Issued>))
)]
async fn issue(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> ApiResult<Reply<Issued>> {
    // A proxy on this machine would make it everybody's.
    if ["forwarded", "x-forwarded-for"]
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return Err(Code::Forbidden.into());
    }
    let id = MemberId::parse(wanted.member_id).map_err(|_| Code::Invalid(Field::MemberId))?;
    if wanted.name.chars().count() > 100 {
        return Err(Code::Invalid(Field::Name).into());
    }
    let token = auth
        .issue(&id, &wanted.name, wanted.admin, LIFE)
        .map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
    Ok(Reply::created(ISSUED, Issued { token }))
}
