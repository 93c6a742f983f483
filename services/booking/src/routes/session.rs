//! Extending sessions to cover their holds.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use sunbeon_chassis::{ApiResult, OrFail};
use sunbeon_client::LongerToken;
use sunbeon_domain::Code;
use sunbeon_tokens::{QUEUE_TOKEN, QUEUE_TOKEN_EXPIRES, remember_cookie, unix_now};

use super::inside::Inside;
use crate::{
    Shop,
    stock::{Session, Visit},
};

/// Returns the headers that the token service uses for a token; none without a token.
pub(crate) fn headers(token: Option<&LongerToken>, inside: &Inside) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = token.and_then(|token| HeaderValue::try_from(&token.queue_token).ok());
    let (Some(token), Some(text)) = (token, text) else {
        return headers;
    };
    let end = token.queue_token_expires_at.seconds();
    headers.insert(QUEUE_TOKEN, text);
    headers.insert(QUEUE_TOKEN_EXPIRES, end.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(browser) = inside.browser() {
        let (concert, left) = (&inside.0.concert, end - unix_now());
        let cookie = remember_cookie(concert, &token.queue_token, left, browser.behind_tls);
        headers.insert(header::SET_COOKIE, cookie);
    }
    headers
}

/// Extends the visitor's session to cover a hold that starts now, and returns the visit with its
/// new end. If the session cannot be extended, the hold is shorter: nobody may hold seats that
/// their token will not live to pay for.
pub(crate) async fn lasting(
    shop: &Shop,
    inside: &Inside,
    hold: Duration,
) -> ApiResult<(Visit, Option<LongerToken>)> {
    let mut visit = inside.visit();
    let (Some(entry_number), Some(until)) = (visit.entry_number, visit.until) else {
        return Ok((visit, None));
    };
    let hold = i64::try_from(hold.as_millis()).unwrap_or(i64::MAX);
    // Where idle pages end sessions, extending says that this one holds something.
    let policy = shop.concert(&visit.concert_id).await?.policy;
    let ends_idle = policy.idle_shop_seconds.is_some();
    if !ends_idle && shop.stock.now().await.or_fail()? + hold <= until {
        return Ok((visit, None));
    }
    let session = Session {
        concert_id: visit.concert_id.clone(),
        member_id: visit.member_id.clone(),
        entry_number,
    };
    match shop.sunbeon.extend(&session).await {
        Ok(Some(token)) if until < token.expires_at => {
            visit.until = Some(token.expires_at);
            let longer = LongerToken {
                queue_token: token.token,
                queue_token_expires_at: token.expires_at,
            };
            Ok((visit, Some(longer)))
        }
        Ok(_) => Ok((visit, None)),
        // The session would end with the hold in it as soon as the page is closed.
        Err(error) if ends_idle => {
            tracing::debug!(%error, concert = %visit.concert_id, "could not say that a session holds something");
            Err(Code::WaitingRoomDown.into())
        }
        Err(error) => {
            let concert = &visit.concert_id;
            tracing::debug!(%error, %concert, "could not extend a session; its hold is shorter");
            Ok((visit, None))
        }
    }
}
