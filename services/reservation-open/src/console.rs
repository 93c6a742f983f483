//! The operators' console: its page, signing in and out, and what the control plane depends on.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sunbeon_chassis::{Admin, ApiResult, Auth, auth::is_own_page};
use sunbeon_domain::{Code, Policy, PolicyField};
use sunbeon_pages::{Chosen, Page, assets, compressed, show};

use crate::ReservationOpen;

const ASSETS: &str = "/admin/assets";
const CONSOLE: Page = Page {
    name: "console",
    assets: ASSETS,
};
const SIGN_IN: Page = Page {
    name: "console-sign-in",
    assets: ASSETS,
};

/// In the extensions of requests to a demo: its operator signs in without a token, by `POST /dev/session`.
#[derive(Debug, Clone, Copy)]
pub struct Demo {
    /// Whether the console offers to break the demo, by `POST /dev/break/…`.
    pub breakable: bool,
}

/// Returns the pages and forms, limited like a main page, and what the console's script asks for.
pub(crate) fn router(auth: &Auth) -> Router<ReservationOpen> {
    let pages = Router::new()
        .route("/admin", get(console))
        .route("/admin/session", get(form).post(sign_in))
        .route("/admin/session/end", get(form).post(sign_out))
        .layer(Extension(auth.clone()))
        .layer(auth.main_page());
    let asked = Router::new()
        .route("/admin/health", get(health))
        .layer(auth.admins());
    let files = assets(ASSETS).layer(auth.anyone());
    compressed(pages).merge(asked).merge(files)
}

/// The values of the console's page.
#[derive(Serialize)]
struct Console {
    operator: String,
    /// Whether there are red buttons.
    breakable: bool,
    /// The names of the policy's fields.
    known: Vec<&'static str>,
    /// What a new concert's policy begins with.
    defaults: Policy,
    /// The least and the largest value of each of the policy's numbers.
    bounds: BTreeMap<&'static str, (u32, u32)>,
}

impl Console {
    fn new(Admin { actor }: Admin, breakable: bool) -> Self {
        let fields = || PolicyField::ALL.iter();
        let bounds = fields().filter_map(|field| Some((field.name(), field.bounds()?)));
        Self {
            operator: actor,
            breakable,
            known: fields().map(|field| field.name()).collect(),
            defaults: Policy::default(),
            bounds: bounds.collect(),
        }
    }
}

/// Shows the console to an operator, and everybody else where to sign in.
async fn console(
    Extension(auth): Extension<Auth>,
    demo: Option<Extension<Demo>>,
    chosen: Chosen,
    headers: HeaderMap,
) -> Response {
    match auth.operator_of(&headers).await {
        Ok(admin) => {
            let breakable = demo.is_some_and(|Extension(demo)| demo.breakable);
            let values = Console::new(admin, breakable);
            show(CONSOLE, chosen, StatusCode::OK, values)
        }
        Err(error) => {
            let refused = Some(error.code()).filter(|code| *code == Code::KeysDown);
            let asked = Asked {
                demo: demo.is_some(),
                again: refused.is_none() && came_from_elsewhere(&headers),
                refused,
            };
            ask(chosen, asked)
        }
    }
}

fn came_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, Some(b"cross-site" | b"same-site"))
}

/// The page where operators sign in.
struct Asked {
    demo: bool,
    /// Whether the page loads itself once more: a browser that followed another site's link kept the
    /// operator's cookie back, and sends it then.
    again: bool,
    /// Why a token was refused.
    refused: Option<Code>,
}

/// Shows where to sign in.
fn ask(chosen: Chosen, asked: Asked) -> Response {
    let status = asked.refused.map_or(Ok(StatusCode::OK), |code| {
        StatusCode::from_u16(code.status())
    });
    let status = status.expect("every code has a valid status");
    let refused = asked.refused.map(Code::word);
    let values = json!({ "demo": asked.demo, "again": asked.again, "refused": refused });
    show(SIGN_IN, chosen, status, values)
}

/// The form by which an operator signs in.
#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    token: String,
}

/// Keeps an admin's token in a cookie that no script and no other site can use.
async fn sign_in(
    Extension(auth): Extension<Auth>,
    demo: Option<Extension<Demo>>,
    chosen: Chosen,
    request: Parts,
    Form(form): Form<SignIn>,
) -> ApiResult<Response> {
    if !is_own_page(&request) {
        return Err(Code::CrossSite.into());
    }
    let token = form.token.trim();
    let kept = || auth.operator_cookie(token, &request.headers);
    let cookie = match auth.admin_of(token).await {
        Ok(_) => kept().ok_or(Code::Unauthenticated),
        Err(error) => Err(error.code()),
    };
    Ok(match cookie {
        Ok(cookie) => go_to_console(cookie),
        Err(code) => {
            let asked = Asked {
                demo: demo.is_some(),
                again: false,
                refused: Some(code),
            };
            ask(chosen, asked)
        }
    })
}

/// Forgets an operator's token.
async fn sign_out(Extension(auth): Extension<Auth>, request: Parts) -> ApiResult<Response> {
    if !is_own_page(&request) {
        return Err(Code::CrossSite.into());
    }
    Ok(go_to_console(auth.forget_operator(&request.headers)))
}

/// Sends whoever comes to a form's address by a link or by going back to the console.
async fn form() -> Redirect {
    Redirect::to("/admin")
}

fn go_to_console(cookie: HeaderValue) -> Response {
    let headers = [
        (header::LOCATION, HeaderValue::from_static("/admin")),
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Answers what this replica depends on, in the form of `/health`, and how many dead letters there are, and how
/// many gates are blind; the store says it itself in every answer about the lines.
async fn health(State(service): State<ReservationOpen>) -> Json<Value> {
    let word = |up| if up { "up" } else { "down" };
    let broker = word(service.announcer.can_publish());
    let (up, dead_letters) = tokio::join!(service.registry.is_up(), service.dead_letters.count());
    let blind = service.gates.blind();
    let mut answer = json!({ "broker": broker, "database": word(up), "blindGates": blind });
    if let Some(count) = dead_letters {
        answer["deadLetters"] = count.into();
    }
    Json(answer)
}
