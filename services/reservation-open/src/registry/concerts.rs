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
use sunbeon_domain::{
    Code, Concert, ConcertId, Field, NewConcert, Phase, Policy, PolicyChange, PolicyField, Text,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ReservationOpen, audit::Actor};

const CREATED: Text = Text {
    ko: "콘서트 생성 성공",
    en: "The concert is created.",
};
pub(super) const CHANGED: Text = Text {
    ko: "콘서트 변경 성공",
    en: "The concert is changed.",
};
const DELETED: Text = Text {
    ko: "콘서트 삭제 성공",
    en: "The concert is deleted.",
};

/// The routes that only admins may use.
pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(change, delete))
}

/// Returns a concert's `ETag`, which is its version.
pub(super) fn etag(concert: &Concert) -> [(HeaderName, HeaderValue); 1] {
    [Tag::of_version(concert.version).header()]
}

fn refused(field: PolicyField) -> ApiError {
    Code::Invalid(Field::Policy(field)).into()
}

/// Creates a concert from `concertId`, `title` and the policy fields that differ from the defaults.
///
/// It is in force on every replica when the answer arrives.
#[utoipa::path(
    post, path = "/v2/admin/concerts", tag = "operators", operation_id = "createConcert",
    request_body = NewConcert,
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_EXISTS", "STORE_DOWN", "STORE_FULL", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 201, description = CREATED.en, body = Success<Concert>, headers(
            ("ETag" = String, description = "The concert's version, for `If-Match`."),
        )),
    )
)]
async fn create(
    State(service): State<ReservationOpen>,
    actor: Actor,
    Body(body): Body<NewConcert>,
) -> ApiResult<impl IntoResponse> {
    let fields = body.policy();
    let id = body.concert_id.ok_or(Code::Invalid(Field::ConcertId))?;
    let policy = Policy::create(fields.clone()).map_err(refused)?;
    service.store.takes_more().await.or_fail()?;
    service
        .audit
        .before(&actor, "create", &id, json!(fields))
        .await?;
    let created = service.registry.create(&id, &policy).await.or_fail()?;
    let concert = service.put_in_force(created).await?;
    Ok((etag(&concert), Reply::created(CREATED, concert)))
}

/// Changes policy fields; `null` restores the default.
///
/// `If-Match` takes the `ETag` that you read. The change is in force on every replica when the
/// answer arrives.
#[utoipa::path(
    patch, path = "/v2/admin/concerts/{concertId}", tag = "operators", operation_id = "changeConcert",
    request_body(content = PolicyChange, example = json!({"groupSize": 30, "notice": "We start at eight."})),
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("If-Match" = String, Header, description = "The `ETag` that you read."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "BOOKING_CLOSED", "VERSION_MISMATCH", "VERSION_REQUIRED",
        "STORE_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = CHANGED.en, body = Success<Concert>, headers(
            ("ETag" = String, description = "The concert's version, for `If-Match`."),
        )),
    )
)]
async fn change(
    State(service): State<ReservationOpen>,
    actor: Actor,
    PathConcert(id): PathConcert,
    expected: Expected,
    Body(fields): Body<PolicyChange>,
) -> ApiResult<impl IntoResponse> {
    let edit = |concert: &Concert| {
        expected.check(&Tag::of_version(concert.version))?;
        let policy = concert.policy.changed(fields.clone()).map_err(refused)?;
        if concert.closed {
            return Err(Code::BookingClosed.into());
        }
        Ok(Concert {
            policy,
            ..concert.clone()
        })
    };
    let detail = |concert: &Concert| with_before(json!(fields), &concert.policy);
    let concert = service.edit(&actor, "change", &id, detail, edit).await?;
    Ok((etag(&concert), Reply::ok(CHANGED, concert)))
}

/// Adds to the fields of a change what they are so far, as `before`; a field that is not set is `null`.
fn with_before(mut fields: Value, policy: &Policy) -> Value {
    let policy = json!(policy);
    let names = fields.as_object().into_iter().flat_map(Map::keys);
    let before: Map<_, _> = names
        .map(|name| (name.clone(), policy[name].clone()))
        .collect();
    fields["before"] = before.into();
    fields
}

/// Deletes a concert that is closed or over, once nobody is inside.
#[utoipa::path(
    delete, path = "/v2/admin/concerts/{concertId}", tag = "operators", operation_id = "deleteConcert",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "CONCERT_IN_USE", "VERSION_MISMATCH", "STORE_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = DELETED.en, body = Success<Empty>),
    )
)]
async fn delete(
    State(service): State<ReservationOpen>,
    actor: Actor,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Empty>> {
    let concert = service.registry.find(&id).await.or_fail()?;
    service.store.tick(&id, false).await.or_fail()?;
    let snapshot = service.store.snapshot(&id).await.or_fail()?;
    let is_over = |phase| matches!(phase, Phase::Closed | Phase::Ended);
    let over = is_over(snapshot.phase()) && is_over(concert.phase(snapshot.at));
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
