//! Creating, changing and deleting concerts.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};
use sunbeon_chassis::{
    ApiError, ApiResult, Body, Empty, Expected, OrFail, PathConcert, Reply, Success, Tag,
};
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

/// Returns the `ETag` of a concert: its version.
pub(super) fn etag(concert: &Concert) -> [(HeaderName, HeaderValue); 1] {
    [Tag::of_version(concert.version).header()]
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
    Ok((etag(&concert), Reply::created(CREATED, concert)))
}

/// Change fields of the policy; `null` means the default. `If-Match` is the `ETag` that was read,
/// or `*` for whatever version there is. In force everywhere when the answer is sent.
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
    expected: Expected,
    Body(fields): Body<Fields>,
) -> ApiResult<impl IntoResponse> {
    let edit = |concert: &Concert| {
        expected.check(&Tag::of_version(concert.version))?;
        let policy = concert.policy.patched(fields.clone()).map_err(refused)?;
        if concert.closed {
            return Err(Code::BookingClosed.into());
        }
        Ok(Concert {
            policy,
            ..concert.clone()
        })
    };
    let detail = Value::Object(fields.clone());
    let concert = service.edit(&actor, "change", &id, detail, edit).await?;
    Ok((etag(&concert), Reply::ok(CHANGED, concert)))
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
