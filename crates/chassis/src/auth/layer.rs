//! The layers that guard routes by audience.

use std::task::{Context, Poll};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures::future::{Either, Ready, ready};
use secrecy::ExposeSecret;
use sunbeon_domain::Code;
use tower::{Layer, Service};

use super::{Admin, Auth, Member};
use crate::{ApiError, ApiResult};

#[derive(Clone, Copy)]
enum Audience {
    Members,
    Admins,
}

/// Lets requests of one audience through, with their [`Member`] or [`Admin`].
#[derive(Clone)]
pub struct AuthLayer {
    auth: Auth,
    audience: Audience,
}

impl AuthLayer {
    pub(super) fn members(auth: Auth) -> Self {
        Self {
            auth,
            audience: Audience::Members,
        }
    }

    pub(super) fn admins(auth: Auth) -> Self {
        Self {
            auth,
            audience: Audience::Admins,
        }
    }

    fn admit(&self, headers: &HeaderMap, extensions: &mut Extensions) -> ApiResult<()> {
        let token = bearer(headers).ok_or(Code::Unauthenticated)?;
        let by_static_token = self.auth.is_admin_token(token);
        match self.audience {
            Audience::Members if by_static_token => return Err(Code::Forbidden.into()),
            Audience::Members => {
                extensions.insert(self.auth.member(token)?);
            }
            Audience::Admins if by_static_token => {
                extensions.insert(Admin {
                    actor: "admin-token".to_owned(),
                });
            }
            Audience::Admins => {
                let member = self.auth.member(token)?;
                if !member.admin {
                    return Err(Code::Forbidden.into());
                }
                extensions.insert(Admin {
                    actor: member.id.to_string(),
                });
                extensions.insert(member);
            }
        }
        Ok(())
    }
}

impl Auth {
    fn is_admin_token(&self, token: &str) -> bool {
        self.0.admin_token.as_ref().is_some_and(|expected| {
            verify_slices_are_equal(expected.expose_secret().as_bytes(), token.as_bytes()).is_ok()
        })
    }

    fn member(&self, token: &str) -> ApiResult<Member> {
        self.0
            .verifier
            .member(token)
            .ok_or_else(|| Code::Unauthenticated.into())
    }
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    let alone = values.next().is_none();
    (alone && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService {
            layer: self.clone(),
            inner,
        }
    }
}

/// What [`AuthLayer`] wraps a route in.
#[derive(Clone)]
pub struct AuthService<S> {
    layer: AuthLayer,
    inner: S,
}

impl<S: Service<Request, Response = Response>> Service<Request> for AuthService<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self.layer.admit(&parts.headers, &mut parts.extensions) {
            Ok(()) => Either::Left(self.inner.call(Request::from_parts(parts, body))),
            Err(error) => Either::Right(ready(Ok(ApiError::into_response(error)))),
        }
    }
}
