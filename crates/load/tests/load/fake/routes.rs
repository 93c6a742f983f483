//! The few routes that a crowd uses.

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde_json::{Value, json};

use super::{Flaw, State, access_token, line::Line, shop, sign};

pub(super) type Reply = Result<Response, Refused>;

pub(super) struct Refused(pub(super) u16, pub(super) &'static str);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        fail(self.0, self.1, Value::Null)
    }
}

pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/v2/waiting-room/enter", post(enter))
        .route("/v2/waiting-room/status/{concert}", get(status))
        .route("/v2/waiting-room/exit/{concert}", post(exit))
        .route("/v2/waiting-room/admin/{concert}", get(line))
        .route("/v2/reservation/token/{concert}", get(token))
        .route("/v2/reservation/complete/{concert}", post(complete))
        .route("/v2/admin/concerts", post(create))
        .route("/v2/admin/concerts/{concert}", delete(remove))
        .route("/v2/admin/concerts/{concert}/close", post(close))
        .route("/dev/token", post(dev_token))
        .merge(shop::router())
        .with_state(state)
}

pub(super) fn ok(status: u16, data: Value) -> Response {
    let body = json!({"message": "ok", "data": data, "status": status});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn fail(status: u16, code: &str, data: Value) -> Response {
    let body = json!({"message": code, "code": code, "status": status, "data": data});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let header = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    token.ok_or(Refused(401, "UNAUTHENTICATED"))
}

pub(super) fn member(headers: &HeaderMap) -> Result<String, Refused> {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(bearer(headers)?);
    let claims = claims.map_err(|_| Refused(401, "UNAUTHENTICATED"))?;
    Ok(claims["sub"].as_str().unwrap_or_default().to_owned())
}

fn admin(headers: &HeaderMap) -> Result<(), Refused> {
    match bearer(headers)? {
        "admin" => Ok(()),
        _ => Err(Refused(403, "FORBIDDEN")),
    }
}

fn unknown() -> Refused {
    Refused(404, "CONCERT_NOT_FOUND")
}

async fn enter(Shared(state): Shared<State>, headers: HeaderMap, Json(body): Json<Value>) -> Reply {
    let member = member(&headers)?;
    let mut lines = state.lines();
    let concert = body["concertId"].as_str().unwrap_or_default();
    let line = lines.get_mut(concert).ok_or_else(unknown)?;
    line.enters += 1;
    if line.enters == 1 && state.flaw == Flaw::FirstEnterIsDown {
        line.enter(&member);
        return Err(Refused(503, "STORE_DOWN"));
    }
    let new = line.enter(&member);
    let standing = line.standing(concert, &member);
    Ok(if new {
        ok(201, standing)
    } else {
        fail(409, "ALREADY_IN_QUEUE", standing)
    })
}

async fn status(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let member = member(&headers)?;
    let lines = state.lines();
    let line = lines.get(&concert).ok_or_else(unknown)?;
    Ok(ok(200, line.standing(&concert, &member)))
}

async fn exit(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let member = member(&headers)?;
    state
        .lines()
        .get_mut(&concert)
        .ok_or_else(unknown)?
        .exit(&member);
    Ok(ok(200, Value::Null))
}

async fn token(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let member = member(&headers)?;
    let mut lines = state.lines();
    let line = lines.get_mut(&concert).ok_or_else(unknown)?;
    let issue = |number| {
        let id = uuid::Uuid::new_v4().to_string();
        sign(&json!({"sub": member, "cid": concert, "ent": number, "jti": id}))
    };
    let token = line.claim(&member, state.flaw == Flaw::NewTokenEachTime, issue);
    let token = token.ok_or(Refused(403, "NOT_READY"))?;
    let mut issued = line.standing(&concert, &member);
    issued["token"] = token.into();
    issued["expiresAt"] = "2026-11-20T05:00:00.000Z".into();
    Ok(ok(200, issued))
}

async fn complete(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let member = member(&headers)?;
    let token = headers
        .get("x-queue-token")
        .and_then(|value| value.to_str().ok());
    match state
        .lines()
        .get_mut(&concert)
        .ok_or_else(unknown)?
        .complete(&member, token)
    {
        true => Ok(ok(200, Value::Null)),
        false => Err(Refused(403, "QUEUE_TOKEN_REQUIRED")),
    }
}

async fn line(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    admin(&headers)?;
    Ok(ok(
        200,
        state
            .lines()
            .get(&concert)
            .ok_or_else(unknown)?
            .shown_to_operators(),
    ))
}

async fn create(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Reply {
    admin(&headers)?;
    let (Some(concert_id), Some(size)) = (body["concertId"].as_str(), body["groupSize"].as_u64())
    else {
        return Err(Refused(400, "INVALID_BODY"));
    };
    state
        .lines()
        .insert(concert_id.to_owned(), Line::new(size as usize));
    let policy = sunbeon_domain::Policy::default();
    let mut concert = serde_json::to_value(policy).unwrap();
    concert["concertId"] = concert_id.into();
    concert["version"] = 1.into();
    concert["closed"] = false.into();
    Ok(ok(201, concert))
}

async fn close(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    admin(&headers)?;
    state.lines().get_mut(&concert).ok_or_else(unknown)?.closed = true;
    Ok(ok(200, Value::Null))
}

async fn remove(
    Shared(state): Shared<State>,
    Path(concert): Path<String>,
    headers: HeaderMap,
) -> Reply {
    admin(&headers)?;
    let mut lines = state.lines();
    if !lines.get(&concert).ok_or_else(unknown)?.closed {
        return Err(Refused(409, "CONCERT_IN_USE"));
    }
    lines.remove(&concert);
    Ok(ok(200, Value::Null))
}

async fn dev_token(Json(body): Json<Value>) -> Response {
    let member = body["memberId"].as_str().unwrap_or_default();
    let token = if body["admin"] == true {
        "admin".to_owned()
    } else {
        access_token(member)
    };
    ok(201, json!({"token": token}))
}
