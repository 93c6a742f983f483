//! Letting sockets in.

use std::fmt;

use axum::{
    extract::{OriginalUri, Request},
    http::{HeaderValue, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;
use socketioxide::extract::{Event, SocketRef, TryData};
use sunbeon_chassis::{ApiError, Auth, auth::LEEWAY_SECONDS};
use sunbeon_domain::Code;
use sunbeon_tokens::read_expiry;

use crate::{
    Realtime,
    asks::{Ack, Asked, Taken},
    visitors::Arriving,
};

/// What a client says of itself.
#[derive(Deserialize)]
pub(crate) struct Handshake {
    /// An access token, or a guest's; without it the cookies of the first request count.
    token: Option<String>,
}

/// Why a socket is refused; the client reads the code in the `message` of its `connect_error`.
pub(crate) struct Refused(Code);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error.code())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.word())
    }
}

/// Lets a member's socket in. Its handlers are there before it hears so: what it sends right after is not
/// lost.
pub(crate) async fn connect(
    realtime: &Realtime,
    auth: &Auth,
    socket: SocketRef,
    TryData(handshake): TryData<Handshake>,
) -> Result<(), Refused> {
    let token = handshake.ok().and_then(|handshake| handshake.token);
    let token = auth.members_token(token.as_deref(), socket.req_parts())?;
    let member = auth.member_of(token).await?;
    let expires = read_expiry(token).ok_or(Refused(Code::Unauthenticated))?;
    let visitor = realtime.visitors.arrive(Arriving {
        member: member.id,
        socket: socket.id,
        until: expires.saturating_add_unsigned(LEEWAY_SECONDS),
    });
    let visitor = visitor.ok_or(Refused(Code::TooManyRequests))?;
    socket.extensions.insert(visitor.clone());
    if let Some(shop) = &realtime.shop {
        socket.extensions.insert(shop.by(token));
    }
    let (here, auth, asking) = (realtime.clone(), auth.clone(), visitor.clone());
    socket.on_fallback(
        move |socket: SocketRef, Event(name), TryData::<Value>(data), ack: Ack| {
            let data = data.ok();
            let taken = asking.asks.take(Asked { name, data, ack });
            async move {
                match taken {
                    Taken::First => here.answer(&auth, &socket, &asking).await,
                    Taken::Queued => {}
                    // One that does not read is closed at its next ping.
                    Taken::TooMany => drop(socket.disconnect()),
                }
            }
        },
    );
    let rooms = realtime.rooms.clone();
    socket.on_disconnect(async move |socket: SocketRef| {
        visitor.depart();
        rooms.leave_all(&visitor, socket.id);
    });
    Ok(())
}

/// Sends new connections elsewhere while this instance stops: the client tries again, by itself.
pub(crate) async fn turn_away(is_closing: bool, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let is_new = !query.split('&').any(|pair| pair.starts_with("sid="));
    if is_closing && is_new {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

/// Makes a request that keeps nothing alive but itself. A socket keeps its first one, and as it came each header
/// is a part of the buffer into which it was read, 8 kB.
pub(crate) async fn lean(mut request: Request) -> Request {
    for value in request.headers_mut().values_mut() {
        if let Ok(copied) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copied;
        }
    }
    if let Ok(copied) = Uri::try_from(request.uri().to_string()) {
        *request.uri_mut() = copied;
    }
    // The same in another place.
    request.extensions_mut().remove::<OriginalUri>();
    request
}
