//! Creating, changing and deleting concerts.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Code, Concert, ConcertId, Field, InvalidPolicy, Phase, Policy, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ReservationOpen, audit::Actor};

const CREATED: Text = Text {
    ko: "콘서트 생성 성공",
    en: "The concert is in force.",
};
pub(super) const CHANGED: Text = Text {
    ko: "콘서트 변경 성공",
    en: "The change is in force.",
};
const DELETED: Text = Text {
    ko: "콘서트 삭제 성공",
    en: "The concert is deleted.",
};

type Fields = Map<String, Value>;

/// What is for admins alone.
pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(change, delete))
}

/// The concert as the answer, its version as the ETag.
pub(crate) fn with_etag(concert: &Concert) -> [(header::HeaderName, HeaderValue); 1] {
    let etag = HeaderValue::from_str(&format!("\"{}\"", concert.version));
    [(
        header::ETAG,
        etag.expect("digits in quotes are a header's value"),
    )]
}

fn refused(error: InvalidPolicy) -> ApiError {
    match error {
        InvalidPolicy::Field(field) => Code::Invalid(field).into(),
        InvalidPolicy::Unknown(name) => {
            ApiError::new(Code::InvalidBody).with_data(json!({ "unknownField": name }))
        }
    }
}

/// A new concert: its id, its title, and what differs from the defaults.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it is read field by field, so that a wrong one is named"
)]
struct NewConcert {
    concert_id: ConcertId,
    #[serde(flatten)]
    policy: Policy,
}

/// Create a concert: `concertId`, `title`, and the fields of the policy that differ from the
/// defaults. In force everywhere when the answer is sent.
#[utoipa::path(
    post, path = "/v2/admin/concerts", tag = "admin", request_body = NewConcert,
    security(("accessToken" = [])),
    responses(
        (status = 201, body = Success<Concert>),
        (status = 409, description = "CONCERT_EXISTS."),
    )
)]
async fn create(
    State(service): State<ReservationOpen>,
    actor: Actor,
    Body(mut fields): Body<Fields>,
) -> ApiResult<impl IntoResponse> {
    let id = fields
        .remove("concertId")
        .and_then(|id| serde_json::from_value(id).ok());
    let id: ConcertId = id.ok_or(Code::Invalid(Field::ConcertId))?;
    let policy = Policy::create(fields.clone()).map_err(refused)?;
    service
        .audit
        .before(&actor, "create", &id, Value::Object(fields))
        .await?;
    let concert = service.registry.create(&id, &policy).await.or_fail()?;
    let concert = service.put_in_force(concert).await?;
    Ok((with_etag(&concert), Reply::created(CREATED, concert)))
}

/// Change fields of the policy; `null` means the default. `If-Match` is the `ETag` that was read.
/// In force everywhere when the answer is sent.
#[utoipa::path(
    patch, path = "/v2/admin/concerts/{concertId}", tag = "admin", request_body = Policy,
    params(("concertId" = ConcertId, Path), ("If-Match" = String, Header)),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Concert>),
        (status = 409, description = "BOOKING_CLOSED: a closed concert stays as it is."),
        (status = 412, description = "VERSION_MISMATCH."),
        (status = 428, description = "VERSION_REQUIRED."),
    )
)]
async fn change(
    State(service): State<ReservationOpen>,
    actor: Actor,
    PathConcert(id): PathConcert,
    headers: HeaderMap,
    Body(fields): Body<Fields>,
) -> ApiResult<impl IntoResponse> {
    let version = expected_version(&headers)?;
    let concert = service.registry.find(&id).await.or_fail()?;
    if concert.version != version {
        return Err(Code::VersionMismatch.into());
    }
    let policy = concert.policy.patched(fields.clone()).map_err(refused)?;
    if concert.closed {
        return Err(Code::BookingClosed.into());
    }
    service
        .audit
        .before(&actor, "change", &id, Value::Object(fields))
        .await?;
    let concert = service
        .registry
        .change(Concert { policy, ..concert }, false)
        .await
        .or_fail()?;
    let concert = service.put_in_force(concert).await?;
    Ok((with_etag(&concert), Reply::ok(CHANGED, concert)))
}

fn expected_version(headers: &HeaderMap) -> ApiResult<u64> {
    let mut given = headers.get_all(header::IF_MATCH).iter();
    let etag = given.next().ok_or(Code::VersionRequired)?;
    let text = etag.to_str().ok().filter(|_| given.next().is_none());
    let digits = text.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
    let version = digits.and_then(|digits| {
        let version: u64 = digits.parse().ok()?;
        // Exactly as the ETag was written: neither a sign nor leading zeros.
        (version.to_string() == digits).then_some(version)
    });
    Ok(version.ok_or(Code::Invalid(Field::IfMatch))?)
}

/// Delete a concert that is closed or ended, once nobody is inside any more.
#[utoipa::path(
    delete, path = "/v2/admin/concerts/{concertId}", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Empty>),
        (status = 409, description = "CONCERT_IN_USE."),
    )
)]
async fn delete(
    State(service): State<ReservationOpen>,
    actor: Actor,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Empty>> {
    let concert = service.registry.find(&id).await.or_fail()?;
    service.store.sweep(&id).await.or_fail()?;
    let snapshot = service.store.snapshot(&id).await.or_fail()?;
    let over = |phase| matches!(phase, Phase::Closed | Phase::Ended);
    let over = over(snapshot.phase()) && over(concert.phase(snapshot.at));
    if !over || snapshot.counts.slots > 0 {
        return Err(Code::ConcertInUse.into());
    }
    service
        .audit
        .before(&actor, "delete", &id, json!({}))
        .await?;
    let concert = service.registry.change(concert, true).await.or_fail()?;
    service
        .store
        .drop_concert(&id, concert.version)
        .await
        .or_fail()?;
    service.announcer.changed(&id, concert.version);
    Ok(Reply::ok(DELETED, Empty {}))
}
