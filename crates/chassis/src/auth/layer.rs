//! The layers that guard routes by audience.

use std::{
    mem,
    net::IpAddr,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::future::{BoxFuture, Either, Ready, ready};
use sunbeon_domain::Code;
use tower::{Layer, Service};

use super::{
    Admin, Auth, ByCookie, Origin,
    caller::{Caller, ORIGIN_TOKEN, Refused},
    cookies,
};
use crate::ApiError;

#[derive(Clone, Copy)]
enum Audience {
    Anyone,
    Gates,
    MainPage,
    Visitors,
    Members,
    Admins,
    Origins,
    Feeds,
}

/// Lets requests of one audience through, together with their [`Member`], [`Admin`] or [`Origin`],
/// and answers 429 with `Retry-After` when there are too many.
#[derive(Clone)]
pub struct AuthLayer {
    auth: Auth,
    audience: Audience,
    by_proxies: bool,
    ending: bool,
}

impl Auth {
    /// Returns the layer for routes that need no token; it only applies the limit per address.
    pub fn anyone(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Anyone)
    }

    /// Returns the layer for routes that gates poll: like [`Auth::anyone`], with its own counters.
    pub fn gates(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Gates)
    }

    /// Returns the layer for public pages, which have a tight limit of their own.
    pub fn main_page(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::MainPage)
    }

    /// Returns the layer for pages of members: everybody may see them, and whoever is a member is known.
    pub fn visitors(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Visitors)
    }

    /// Returns the layer for routes of members, including guests: 401 without a valid access token,
    /// 403 for the static tokens.
    pub fn members(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Members)
    }

    /// Returns the layer for admin routes: 401 without a valid token, 403 without the admin role.
    pub fn admins(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Admins)
    }

    /// Returns the layer for routes of shops' back ends, which need the origin token or an admin.
    pub fn origins(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Origins)
    }

    /// Returns the layer for the feeds that gates poll: as [`Auth::origins`], but refused requests are
    /// counted apart, so that strangers at a gate's address take nothing from its other requests.
    pub fn feeds(&self) -> AuthLayer {
        AuthLayer::new(self.clone(), Audience::Feeds)
    }
}

impl AuthLayer {
    fn new(auth: Auth, audience: Audience) -> Self {
        Self {
            auth,
            audience,
            by_proxies: false,
            ending: false,
        }
    }

    /// Takes requests by which members end what they have: they have a limit of their own, for every
    /// session that ends early is told to every gate and kept for as long as its token could live.
    pub fn ending(self) -> Self {
        Self {
            ending: true,
            ..self
        }
    }

    /// Adapts the layer to proxies, which ask on everybody's behalf: only refused requests count
    /// against their address, and the limit per member allows for everything that a shop's page
    /// loads.
    pub fn by_proxies(self) -> Self {
        Self {
            by_proxies: true,
            ..self
        }
    }

    /// Counts a request against its address; `None` means that the caller is not limited.
    fn limit(&self, client: Option<IpAddr>) -> Result<(), Refused> {
        let limits = &self.auth.0.limits;
        let Some(address) = client else {
            return Ok(());
        };
        match self.audience {
            Audience::MainPage => limits.main_page(address)?,
            Audience::Gates => limits.gate(address)?,
            Audience::Feeds => limits.feed(address)?,
            _ => limits.address(address)?,
        }
        Ok(())
    }

    /// Lets a request in unless it exceeds a limit. Proxies and shops' back ends ask on everybody's
    /// behalf from one address, so only their refused requests count against it.
    fn pass(&self, parts: &mut Parts, client: Option<IpAddr>) -> Result<(), Refused> {
        if self.by_proxies || matches!(self.audience, Audience::Origins | Audience::Feeds) {
            return self
                .admit(parts, client)
                .map_err(|refused| self.limit(client).err().unwrap_or(refused));
        }
        self.limit(client)?;
        self.admit(parts, client)
    }

    /// Lets a request in as the caller that its token names.
    fn admit(&self, parts: &mut Parts, client: Option<IpAddr>) -> Result<(), Refused> {
        use Audience::{Anyone, Gates, MainPage};
        if matches!(self.audience, Anyone | Gates | MainPage) {
            return Ok(());
        }
        if matches!(self.audience, Audience::Visitors) {
            return self.recognize(parts, client);
        }
        let by_cookie = !parts.headers.contains_key(header::AUTHORIZATION);
        let token = match by_cookie {
            true => self.cookie(parts)?,
            false => bearer(&parts.headers),
        };
        let caller = self.auth.caller(token.ok_or(Code::Unauthenticated)?)?;
        let actor = caller.admin();
        if by_cookie {
            parts.extensions.insert(ByCookie);
        }
        match (self.audience, caller) {
            (Audience::Members, Caller::Member(member)) => {
                let limits = &self.auth.0.limits;
                match client {
                    Some(_) if self.by_proxies => limits.proxied_member(&member.id)?,
                    Some(_) => limits.member(&member.id)?,
                    None => {}
                }
                if self.ending && client.is_some() {
                    limits.ending(&member.id)?;
                }
                parts.extensions.insert(member);
            }
            (Audience::Origins | Audience::Feeds, Caller::OriginToken) => {
                let actor = ORIGIN_TOKEN.to_owned();
                parts.extensions.insert(Origin { actor });
            }
            (Audience::Admins, caller) => {
                let actor = actor.ok_or(Code::Forbidden)?;
                parts.extensions.insert(Admin { actor });
                if let Caller::Member(member) = caller {
                    parts.extensions.insert(member);
                }
            }
            (Audience::Origins | Audience::Feeds, _) => {
                let actor = actor.ok_or(Code::Forbidden)?;
                parts.extensions.insert(Origin { actor });
            }
            _ => return Err(Code::Forbidden.into()),
        }
        Ok(())
    }

    /// Lets everybody in, a member as that member. A page of another site cannot act through its visitor's
    /// cookies.
    fn recognize(&self, parts: &mut Parts, client: Option<IpAddr>) -> Result<(), Refused> {
        if !parts.method.is_safe() && !cookies::is_own_page(parts) {
            return Err(Code::CrossSite.into());
        }
        let token = match parts.headers.contains_key(header::AUTHORIZATION) {
            true => bearer(&parts.headers),
            false => self.auth.members_cookie(&parts.headers),
        };
        match token.map(|token| self.auth.caller(token)) {
            Some(Ok(Caller::Member(member))) => {
                if client.is_some() {
                    self.auth.0.limits.member(&member.id)?;
                }
                parts.extensions.insert(member);
                Ok(())
            }
            Some(Err(Refused::Keys(code))) => Err(Refused::Keys(code)),
            None | Some(_) => Ok(()),
        }
    }

    /// Returns the token in the audience's cookie. Fails if another site's page sent the request; a proxy
    /// asks about its visitors' requests, wherever they came from.
    fn cookie<'a>(&self, parts: &'a Parts) -> Result<Option<&'a str>, Refused> {
        let headers = &parts.headers;
        let token = match self.audience {
            Audience::Members => self.auth.members_cookie(headers),
            _ => self.auth.operators_cookie(headers),
        };
        if token.is_some() && !self.by_proxies && !cookies::is_own_page(parts) {
            return Err(Code::CrossSite.into());
        }
        Ok(token)
    }
}

/// Returns a request's bearer token, if there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    let is_only = values.next().is_none();
    (is_only && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
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

/// A route behind an [`AuthLayer`].
#[derive(Clone)]
pub struct AuthService<S> {
    layer: AuthLayer,
    inner: S,
}

/// The route's answer, or an immediate refusal.
type AtOnce<F, E> = Either<F, Ready<Result<Response, E>>>;

impl<S> Service<Request> for AuthService<S>
where
    S: Service<Request, Response = Response, Error: Send, Future: Send> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    /// Boxed only when keys must be fetched first.
    type Future =
        Either<AtOnce<S::Future, S::Error>, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let layer = &self.layer;
        let client = layer.auth.0.limits.client(&parts);
        match layer.pass(&mut parts, client) {
            Ok(()) => {
                let answer = self.inner.call(Request::from_parts(parts, body));
                Either::Left(Either::Left(answer))
            }
            Err(Refused::Answer(error)) => {
                let answer = ready(Ok(error.into_response()));
                Either::Left(Either::Right(answer))
            }
            Err(Refused::Keys(_)) => {
                let layer = layer.clone();
                let inner = self.inner.clone();
                // Call the service that was polled ready, and keep its clone for next time.
                let mut inner = mem::replace(&mut self.inner, inner);
                Either::Right(Box::pin(async move {
                    layer.auth.refresh().await;
                    let by_all = matches!(layer.audience, Audience::Visitors);
                    match layer.admit(&mut parts, client) {
                        Err(Refused::Keys(_)) if by_all => {}
                        Err(refused) => return Ok(ApiError::from(refused).into_response()),
                        Ok(()) => {}
                    }
                    inner.call(Request::from_parts(parts, body)).await
                }))
            }
        }
    }
}
