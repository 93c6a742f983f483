//! Extending sessions to cover their holds.

use std::time::Duration;

use axum::http::{HeaderName, header};
use sunbeon_chassis::{ApiResult, OrFail};
use sunbeon_client::LongerToken;
use sunbeon_tokens::{QUEUE_TOKEN, QUEUE_TOKEN_EXPIRES};

use super::inside::Inside;
use crate::{
    Shop,
    stock::{Session, Visit},
};

/// Returns the headers that the token service uses for a token.
pub(crate) fn headers(token: &LongerToken) -> [(HeaderName, String); 3] {
    let end = token.queue_token_expires_at.seconds();
    [
        (QUEUE_TOKEN, token.queue_token.clone()),
        (QUEUE_TOKEN_EXPIRES, end.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
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
    if shop.stock.now().await.or_fail()? + hold <= until {
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
        Err(error) => {
            let concert = &visit.concert_id;
            tracing::debug!(%error, %concert, "could not extend a session; its hold is shorter");
            Ok((visit, None))
        }
    }
}
