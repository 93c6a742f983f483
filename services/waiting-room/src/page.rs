//! The waiting page, and its forms. All of it works without a script; a GET changes nothing.

mod shown;
mod wait;

use axum::{
    Extension, Form, Router,
    extract::{FromRef, Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sunbeon_chassis::{ApiResult, Auth, Member, OrFail, PathConcert, QueryPairs};
use sunbeon_domain::{ConcertId, EntryNumber, Identity, Standing};
use sunbeon_gate::Ways;
use sunbeon_pages::{Chosen, Page, assets, compressed, script, show, submits_to};
use sunbeon_snapshot::View;
use sunbeon_store::{Asker, Entering, Entrant, Leaving};

use self::shown::{Said, Shown, Visitor};
use crate::{WaitingRoom, guests::guest_of};

const PAGE: Page = Page {
    name: "waiting",
    assets: "/waiting-room/assets",
};
const FAILED: Page = Page {
    name: "waiting-failed",
    ..PAGE
};

/// What the page and its forms need.
#[derive(Clone, FromRef)]
struct Front {
    room: WaitingRoom,
    auth: Auth,
    ways: Ways,
}

/// Returns the waiting page, its files and its forms.
pub(crate) fn router(room: &WaitingRoom, auth: &Auth, ways: Ways) -> Router {
    let front = Front {
        room: room.clone(),
        auth: auth.clone(),
        ways,
    };
    let pages = Router::new()
        .route("/waiting-room/{concertId}", get(page))
        .route("/waiting-room/{concertId}/enter", get(form).post(enter))
        .route("/waiting-room/{concertId}/exit", get(form))
        .layer(auth.visitors());
    let ending = Router::new()
        .route("/waiting-room/{concertId}/exit", post(exit))
        .layer(auth.members().ending());
    let pages = pages
        .merge(ending)
        .layer(from_fn(as_page))
        .with_state(front);
    let files = assets(PAGE.assets).merge(script("/waiting-room/sunbeon.js", "sunbeon.js"));
    compressed(pages).merge(files.layer(auth.anyone()))
}

/// What a form of the page sends.
#[derive(Default, Deserialize)]
struct Sent {
    /// The way back.
    #[serde(default)]
    target: String,
    /// To leave: the entry that the page showed. Somebody else may have logged in since.
    entry: Option<EntryNumber>,
}

async fn page(
    State(front): State<Front>,
    PathConcert(id): PathConcert,
    query: QueryPairs,
    chosen: Chosen,
    member: Option<Extension<Member>>,
) -> ApiResult<Response> {
    let room = &front.room;
    room.heard.note(&id);
    let view = room.snapshots.get(&id).await.or_fail()?;
    let visitor = match member {
        None => Visitor::Nobody,
        Some(Extension(member)) => Visitor::of(&member, room.standing(&view, &id, &member).await?),
    };
    let value = |name| query.iter().find(|(key, _)| *key == name)?.1;
    let back = value("target").and_then(|target| front.ways.asked(target));
    let asked = (
        value("said").and_then(Said::parse),
        value("leave").is_some(),
    );
    let (ways, back) = (&front.ways, back.as_ref());
    let shown = Shown::new(ways, &view, visitor, back, asked, chosen.language);
    let mut response = show(PAGE, chosen, StatusCode::OK, shown);
    submits_to(&mut response, front.ways.own_hosts());
    Ok(response)
}

async fn enter(
    State(front): State<Front>,
    PathConcert(id): PathConcert,
    member: Option<Extension<Member>>,
    request: Parts,
    Form(sent): Form<Sent>,
) -> ApiResult<Response> {
    let room = &front.room;
    room.heard.note(&id);
    let view = room.snapshots.get(&id).await.or_fail()?;
    let guests = view.snapshot.concert.policy.identity == Identity::Guest;
    let (entrant, cookies) = match member {
        Some(Extension(Member { id, name, .. })) => (Entrant { member: id, name }, Vec::new()),
        None if !guests => return Ok(back(&front.ways, &id, &sent, None)),
        None => {
            let guest = guest_of(&*room.store, &front.auth, &id, &request).await?;
            let cookies = front.auth.guest_cookies(&guest, &request.headers);
            let (member, name) = (guest.id, String::new());
            (Entrant { member, name }, cookies)
        }
    };
    let said = match room.entering.ask(&id, entrant).await.or_fail()? {
        Entering::Full => Some(Said::Full),
        Entering::MembersOnly => Some(Said::MembersOnly),
        // The page shows what came of it.
        _ => None,
    };
    let mut answer = back(&front.ways, &id, &sent, said);
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

async fn exit(
    State(front): State<Front>,
    PathConcert(id): PathConcert,
    member: Member,
    Form(sent): Form<Sent>,
) -> ApiResult<Response> {
    let room = &front.room;
    room.heard.note(&id);
    let found = room.store.status(&id, &member.id, false).await.or_fail()?;
    if sent.entry != found.state.number() {
        return Ok(back(&front.ways, &id, &sent, None));
    }
    let left = room.store.leave(&id, &member.id, Leaving::ByChoice).await;
    left.or_fail()?;
    Ok(back(&front.ways, &id, &sent, Some(Said::Left)))
}

/// Sends whoever comes to a form's address by a link or by going back to the page.
async fn form(State(front): State<Front>, PathConcert(id): PathConcert) -> Response {
    back(&front.ways, &id, &Sent::default(), None)
}

/// Sends a browser back to the waiting page of a concert.
fn back(ways: &Ways, id: &ConcertId, sent: &Sent, said: Option<Said>) -> Response {
    let target = ways.asked(&sent.target);
    let page = match said {
        Some(said) => ways.to_the_line_saying(id, target.as_ref(), said.word()),
        None => ways.to_the_line(id, target.as_ref()),
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
}

impl WaitingRoom {
    /// Returns a member's standing, as a sign of life.
    async fn standing(&self, view: &View, id: &ConcertId, member: &Member) -> ApiResult<Standing> {
        let asker = Asker {
            member: member.id.clone(),
            sign_of_life: true,
        };
        let found = self.asking.ask(id, asker).await.or_fail()?;
        Ok(self.places.by_store(view, found, None, &member.id))
    }
}

/// What a page that failed is given.
#[derive(Serialize)]
struct Failure {
    kind: &'static str,
    refresh: Option<u32>,
    /// The path of the waiting page, also of its forms.
    here: String,
    /// The way back, as `&target=…`, as it came.
    query: String,
}

/// Answers every failure, whoever found it, as a page.
async fn as_page(chosen: Chosen, request: Request, next: Next) -> Response {
    let here: Vec<_> = request.uri().path().split('/').take(3).collect();
    let here = here.join("/");
    let asked = request.uri().query().unwrap_or_default();
    let target = asked.split('&').find(|pair| pair.starts_with("target="));
    let query = target.map_or_else(String::new, |target| format!("&{target}"));
    let answer = next.run(request).await;
    let status = answer.status();
    let (kind, refresh) = match status {
        StatusCode::UNAUTHORIZED => ("signed-out", None),
        StatusCode::FORBIDDEN => ("foreign", None),
        StatusCode::TOO_MANY_REQUESTS => ("busy", Some(10)),
        _ if status.is_client_error() => ("unknown", None),
        _ if status.is_server_error() => ("down", Some(5)),
        _ => return answer,
    };
    let mut page = show(
        FAILED,
        chosen,
        status,
        Failure {
            kind,
            refresh,
            here,
            query,
        },
    );
    let wait = answer.headers().get(header::RETRY_AFTER).cloned();
    let wait = wait.map(|wait| (header::RETRY_AFTER, wait));
    page.headers_mut().extend(wait);
    page
}
