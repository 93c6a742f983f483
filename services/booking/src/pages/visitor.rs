//! The visitor of a page.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use serde::Serialize;
use sunbeon_chassis::Member;
use sunbeon_domain::MemberId;
use sunbeon_gate::Gate;

/// Whether the process is the demo, where everybody signs in by a form.
#[derive(Clone, Copy)]
pub(crate) struct Demo(pub(crate) bool);

/// The visitor of a page, as its head shows them.
#[derive(Serialize)]
pub(crate) struct Visitor {
    #[serde(skip)]
    pub(crate) id: Option<MemberId>,
    /// Empty for a guest and for a stranger.
    name: String,
    is_guest: bool,
    demo: bool,
    /// Where they sign in and come back from; `None` if the settings name no login.
    login: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    Demo: FromRef<S>,
    Gate: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let member = parts.extensions.get::<Member>();
        let is_guest = member.is_some_and(|member| member.id.is_guest());
        let named = member.filter(|_| !is_guest);
        let demo = Demo::from_ref(state).0;
        let login = match demo {
            true => Some("/".to_owned()),
            false => Gate::from_ref(state).login_before(parts.uri.path()),
        };
        Ok(Self {
            login,
            id: member.map(|member| member.id.clone()),
            name: named.map_or_else(String::new, name),
            is_guest,
            demo,
        })
    }
}

fn name(member: &Member) -> String {
    match member.name.as_str() {
        "" => member.id.to_string(),
        name => name.to_owned(),
    }
}
