//! Admitted members, and the concert that they were admitted to.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use serde_json::json;
use sunbeon_chassis::{ApiError, ApiResult, ByCookie, Member, QueryPairs, auth::is_behind_tls};
use sunbeon_domain::{Code, ConcertId, Field};
use sunbeon_gate::{Admitted, Gate, Visit};

use crate::stock;

/// A member whom the gate let in. Compare `concert` with the one that the request refers to.
pub(crate) struct Inside(pub(crate) Admitted, Gate, Option<Browser>);

/// A caller who is known by a cookie, and so presents the booking token in another one.
#[derive(Clone, Copy)]
pub(crate) struct Browser {
    pub(crate) behind_tls: bool,
}

impl Inside {
    /// Fails with 403 unless the admission is to this concert.
    pub(crate) fn to(&self, concert: &ConcertId) -> ApiResult<()> {
        if self.0.concert == *concert {
            Ok(())
        } else {
            Err(self.refused(concert))
        }
    }

    /// Returns the member and the session in which this request holds or books.
    pub(crate) fn visit(&self) -> stock::Visit {
        let Admitted {
            concert,
            member,
            entry_number,
            until,
        } = &self.0;
        stock::Visit {
            concert_id: concert.clone(),
            member_id: member.clone(),
            entry_number: *entry_number,
            until: *until,
        }
    }

    /// Returns the caller's browser, if it is one.
    pub(crate) fn browser(&self) -> Option<Browser> {
        self.2
    }

    /// Returns the gate's 403: the member must be admitted to `concert`.
    pub(crate) fn refused(&self, concert: &ConcertId) -> ApiError {
        let page = self.1.waiting_page(concert);
        ApiError::new(Code::QueueTokenRequired).with_data(json!({ "waitingPage": page }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Inside
where
    Gate: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let Some(admitted) = parts.extensions.get::<Admitted>().cloned() else {
            let fault = anyhow::anyhow!("the route is not behind the gate");
            return Err(ApiError::new(Code::Internal).caused_by(fault));
        };
        let by_cookie = parts.extensions.get::<ByCookie>();
        let browser = by_cookie.map(|_| Browser {
            behind_tls: is_behind_tls(&parts.headers),
        });
        let inside = Self(admitted, Gate::from_ref(state), browser);
        if let Some(concert) = named(parts)? {
            inside.to(&concert)?;
        }
        Ok(inside)
    }
}

/// Returns the member and the concert of a request to the API or for a page: the concert in the path, else the one in the
/// query, else that of the booking token.
pub(crate) fn visit(parts: &Parts) -> Visit {
    let member = parts.extensions.get::<Member>();
    Visit {
        member: member.map(|member| member.id.clone()),
        concert: in_path(parts).or_else(|| named(parts).unwrap_or_default()),
    }
}

fn in_path(parts: &Parts) -> Option<ConcertId> {
    let path = parts.uri.path();
    let rest = path.strip_prefix("/v2").unwrap_or(path);
    let id = rest.strip_prefix("/concerts/")?.split('/').next()?;
    ConcertId::parse(id).ok()
}

/// Returns the `concertId` in the query.
fn named(parts: &Parts) -> ApiResult<Option<ConcertId>> {
    let query = QueryPairs::parse(parts.uri.query().unwrap_or_default());
    query.field("concertId", Field::ConcertId, |text| {
        ConcertId::parse(text).ok()
    })
}
