//! Who a token or a cookie names.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, request::Parts};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_domain::Code;
use sunbeon_tokens::{Guests, has_type, read_header};

use super::{
    Admin, Auth, Member,
    cookies::{self, GUEST_COOKIE, OPERATOR_COOKIE},
    verify,
};
use crate::{ApiError, ApiResult};

/// The name of a static token's holder in logs and in the audit. No member id contains a space, so
/// no login can imitate it.
const ADMIN_TOKEN: &str = "admin token";
pub(super) const ORIGIN_TOKEN: &str = "origin token";
/// The accepted types of access tokens; `typ` may be left out (RFC 7519 §5.1, RFC 9068 §2.1).
const ACCESS_TOKENS: [&str; 2] = ["JWT", "at+jwt"];

/// Why a request is refused.
pub(super) enum Refused {
    Answer(ApiError),
    /// The keys known here cannot decide.
    Keys(Code),
}

/// The caller that a token names.
pub(super) enum Caller {
    AdminToken,
    OriginToken,
    Member(Member),
}

impl Caller {
    /// Returns the name of an admin.
    pub(super) fn admin(&self) -> Option<String> {
        match self {
            Self::AdminToken => Some(ADMIN_TOKEN.to_owned()),
            Self::Member(member) if member.admin => Some(member.id.to_string()),
            Self::OriginToken | Self::Member(_) => None,
        }
    }
}

impl Auth {
    /// Returns the token in a member's cookie: that of their login, else that of a guest.
    pub(super) fn members_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let login = cookies::value(headers, &self.0.cookie);
        login.or_else(|| cookies::value(headers, GUEST_COOKIE))
    }

    /// Returns the token in an operator's cookie: that of the console, else that of the shop's login.
    pub(super) fn operators_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let own = cookies::value(headers, OPERATOR_COOKIE);
        own.or_else(|| cookies::value(headers, &self.0.cookie))
    }

    /// Returns the access token of a connection that is not a request of the API: `token` or, without one, that
    /// in the cookies of its first request.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] if there is none, [`Code::CrossSite`] if another site's page opened the
    /// connection.
    pub fn members_token<'a>(
        &self,
        token: Option<&'a str>,
        request: &'a Parts,
    ) -> ApiResult<&'a str> {
        let token = match token {
            Some(token) => Some(token),
            None if !cookies::is_own_page(request) => return Err(Code::CrossSite.into()),
            None => self.members_cookie(&request.headers),
        };
        Ok(token.ok_or(Code::Unauthenticated)?)
    }

    /// Names the member of an access token.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] unless it names a member, and [`Code::KeysDown`].
    pub async fn member_of(&self, token: &str) -> ApiResult<Member> {
        match self.caller_by_fresh_keys(token).await? {
            Caller::Member(member) => Ok(member),
            _ => Err(Code::Unauthenticated.into()),
        }
    }

    /// Returns the name of the admin whom a token names, for a page where operators sign in.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] or [`Code::Forbidden`] unless it names an admin, and [`Code::KeysDown`].
    pub async fn admin_of(&self, token: &str) -> ApiResult<Admin> {
        let caller = self.caller_by_fresh_keys(token).await?;
        let actor = caller.admin().ok_or(Code::Forbidden)?;
        Ok(Admin { actor })
    }

    /// Names the admin who is signed in to the console, for its page.
    ///
    /// # Errors
    /// As [`Auth::admin_of`].
    pub async fn operator_of(&self, headers: &HeaderMap) -> ApiResult<Admin> {
        let token = self.operators_cookie(headers);
        self.admin_of(token.ok_or(Code::Unauthenticated)?).await
    }

    async fn caller_by_fresh_keys(&self, token: &str) -> Result<Caller, Refused> {
        match self.caller(token) {
            Err(Refused::Keys(_)) => {
                self.refresh().await;
                self.caller(token)
            }
            found => found,
        }
    }

    pub(super) fn caller(&self, token: &str) -> Result<Caller, Refused> {
        match self.static_token(token) {
            Some(caller) => Ok(caller),
            None => Ok(Caller::Member(self.member(token)?)),
        }
    }

    fn static_token(&self, token: &str) -> Option<Caller> {
        let is = |expected: &Option<SecretString>| {
            expected.as_ref().is_some_and(|expected| {
                let expected = expected.expose_secret().as_bytes();
                verify_slices_are_equal(expected, token.as_bytes()).is_ok()
            })
        };
        match (is(&self.0.admin_token), is(&self.0.origin_token)) {
            (true, _) => Some(Caller::AdminToken),
            (false, true) => Some(Caller::OriginToken),
            (false, false) => None,
        }
    }

    fn member(&self, token: &str) -> Result<Member, Refused> {
        let known = self.0.headers.known(token);
        let header = known.clone().or_else(|| read_header(token).map(Arc::new));
        let header = header.ok_or(Code::Unauthenticated)?;
        if header.typ.is_some() && !has_type(&header, &ACCESS_TOKENS) {
            return Err(Code::Unauthenticated.into());
        }
        let member = match &self.0.guests {
            Some(guests) if Guests::are_meant(&header) => {
                let id = guests.verify(token).ok_or(Code::Unauthenticated)?;
                Member::guest(id)
            }
            _ => self.0.verifier.member(token, &header)?,
        };
        if known.is_none() {
            self.0.headers.keep(token, header);
        }
        Ok(member)
    }

    /// Fetches keys that may have been published meanwhile.
    pub(super) async fn refresh(&self) {
        if let Some(keys) = self.0.verifier.remote() {
            keys.refreshed().await;
        }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Answer(error)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self::Answer(code.into())
    }
}

impl From<verify::NoMember> for Refused {
    fn from(refused: verify::NoMember) -> Self {
        match refused {
            verify::NoMember::Token => Code::Unauthenticated.into(),
            verify::NoMember::UnknownKey => Self::Keys(Code::Unauthenticated),
            verify::NoMember::NoKeys => Self::Keys(Code::KeysDown),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Answer(error) => error,
            Refused::Keys(code) => code.into(),
        }
    }
}
