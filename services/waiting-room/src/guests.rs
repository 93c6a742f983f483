//! Guest tokens for people without a login.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sunbeon_chassis::{ApiError, ApiResult, Auth, Body, OrFail, Reply, Success};
use sunbeon_client::GuestToken;
use sunbeon_domain::{Code, ConcertId, Identity, Text};
use sunbeon_store::Store;
use sunbeon_tokens::Guest;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const ISSUED: Text = Text {
    ko: "비회원 토큰 발급 성공",
    en: "Here is your guest token.",
};

pub(crate) fn router(auth: &Auth) -> OpenApiRouter<Arc<WaitingRoom>> {
    OpenApiRouter::new()
        .routes(routes!(guest))
        .layer(Extension(auth.clone()))
}

/// Names the line that the guest will enter.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"concertId": "train"}))]
struct NewGuest {
    concert_id: ConcertId,
}

/// Creates a guest, if the concert admits guests.
///
/// A browser stays the guest whose cookie it has. Every other request creates a new one, so keep the token.
#[utoipa::path(
    post, path = "/v2/waiting-room/guest", tag = "waiting room", operation_id = "createGuest",
    request_body = NewGuest,
    extensions(("x-fails" = json!([
        "GUESTS_NOT_ALLOWED", "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 201, description = ISSUED.en, body = Success<GuestToken>, headers(
            ("Set-Cookie" = String, description = "`sunbeon-guest`, by which a browser stays this guest."),
        )),
    )
)]
async fn guest(
    State(room): State<Arc<WaitingRoom>>,
    Extension(auth): Extension<Auth>,
    request: Parts,
    Body(body): Body<NewGuest>,
) -> ApiResult<Response> {
    room.heard.note(&body.concert_id);
    let view = room.snapshots.get(&body.concert_id).await.or_fail()?;
    if view.snapshot.concert.policy.identity != Identity::Guest {
        return Err(Code::GuestsNotAllowed.into());
    }
    let guest = guest_of(&*room.store, &auth, &body.concert_id, &request).await?;
    let cookies = auth.guest_cookies(&guest, &request.headers);
    let reply = GuestToken {
        member_id: guest.id,
        token: guest.token,
        expires_at: guest.expires_at,
    };
    let mut answer = Reply::created(ISSUED, reply).into_response();
    let no_store = HeaderValue::from_static("no-store");
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, no_store);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Returns the guest that a browser is already, or creates one, counted against the address of the request.
pub(crate) async fn guest_of(
    store: &dyn Store,
    auth: &Auth,
    id: &ConcertId,
    request: &Parts,
) -> ApiResult<Guest> {
    if let Some(guest) = auth.known_guest(request) {
        return Ok(guest);
    }
    if let Err(refused) = auth.count_guest(request) {
        // The refusal stands whether or not it can be counted.
        let _counted = store.refuse_guest(id).await;
        return Err(refused);
    }
    let issued = auth.issue_guest();
    issued.map_err(|error| ApiError::new(Code::GuestsNotAllowed).caused_by(error))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use sunbeon_chassis::settings;
    use sunbeon_domain::{Concert, Policy};
    use sunbeon_store::MemoryStore;

    use super::*;

    #[derive(Deserialize)]
    struct Settings {
        auth: settings::Auth,
        limits: settings::Limits,
    }

    async fn asked(guest_secret: Option<&str>) -> Result<(), Code> {
        let secret = "0123456789abcdef0123456789abcdef".to_owned();
        let mut set = HashMap::from([("SUNBEON__AUTH__HS256_SECRET".to_owned(), secret)]);
        if let Some(secret) = guest_secret {
            set.insert("SUNBEON__AUTH__GUEST_SECRET".to_owned(), secret.to_owned());
        }
        let settings: Settings = settings::load_from(set).unwrap();
        let auth = Auth::new(&settings.auth, &settings.limits).unwrap();
        let store = MemoryStore::new();
        let concert = Concert {
            concert_id: ConcertId::parse("c").unwrap(),
            version: 1,
            closed: false,
            policy: Policy {
                identity: Identity::Guest,
                ..Policy::default()
            },
        };
        store.put_concert(&concert).await.unwrap();
        let wanted = NewGuest {
            concert_id: ConcertId::parse("c").unwrap(),
        };
        let (request, ()) = axum::http::Request::new(()).into_parts();
        let room = State(Arc::new(WaitingRoom::new(Arc::new(store), None)));
        let answer = guest(room, Extension(auth), request, Body(wanted));
        let answer = answer.await;
        answer.map(|_| ()).map_err(|error| error.code())
    }

    #[tokio::test]
    async fn without_a_guest_secret_there_are_no_guests() {
        assert_eq!(asked(None).await, Err(Code::GuestsNotAllowed));
        let secret = "another secret, for guests' tokens";
        assert_eq!(asked(Some(secret)).await, Ok(()));
    }
}
