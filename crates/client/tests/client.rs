//! The client against a server with scripted answers.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::RawQuery,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post, put},
};
use serde_json::{Value, json};
use sunbeon_client::{Caller, Entering, Error, InvalidUrl, Sunbeon, SunbeonUrl};
use sunbeon_domain::{Code, ConcertId, EntryNumber, MemberId, Status, StockReport};
use tokio::net::TcpListener;

async fn serve(router: Router) -> Sunbeon {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    Sunbeon::new(&SunbeonUrl::of(address)).expect("no certificates are needed")
}

fn concert() -> ConcertId {
    ConcertId::parse("c").expect("a valid id")
}

fn success(data: Value) -> Json<Value> {
    Json(json!({"message": "성공", "data": data, "status": 200}))
}

fn failure(status: u16, code: &str, data: Option<Value>) -> Response {
    let mut body = json!({"message": "실패", "code": code, "status": status});
    if let Some(data) = data {
        body["data"] = data;
    }
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(body)).into_response()
}

fn standing(status: &str) -> Value {
    json!({"concertId": "c", "concertTitle": "콘서트", "status": status, "canEnter": false,
        "entryNumber": 7})
}

/// Returns a member whose every `status` request gets this answer.
async fn told<T>(answer: impl Fn() -> T + Clone + Send + Sync + 'static) -> Caller
where
    T: IntoResponse + Send + 'static,
{
    let route = get(async move || answer());
    let router = Router::new().route("/v2/waiting-room/status/{concert}", route);
    serve(router).await.by("token")
}

#[tokio::test]
async fn a_refusal_carries_its_code_and_retry_after() {
    let down = || {
        let mut response = failure(503, "STORE_DOWN", Some(json!({"why": "it is full"})));
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, "3".parse().expect("a value"));
        response
    };
    let error = told(down).await.status(&concert()).await.unwrap_err();
    assert!(error.is(Code::StoreDown) && error.is_down(), "{error}");
    let Error::Refused(refusal) = error else {
        panic!("not a refusal: {error:?}");
    };
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(refusal.data, Some(json!({"why": "it is full"})));
}

#[tokio::test]
async fn an_answer_that_is_not_sunbeons_is_refused_or_nonsense() {
    let proxy = || (StatusCode::BAD_GATEWAY, "<html>");
    let error = told(proxy).await.status(&concert()).await.unwrap_err();
    assert_eq!(error.status(), Some(502));
    for text in ["", "<html>", "{}", "{\"data\":{}}"] {
        let error = told(move || text).await.status(&concert()).await;
        assert!(
            matches!(error, Err(Error::Nonsense(_))),
            "{text}: {error:?}"
        );
    }
    let endless = || "x".repeat(17 * 1024 * 1024);
    let error = told(endless).await.status(&concert()).await;
    assert!(matches!(error, Err(Error::Nonsense(_))), "too large");
}

#[tokio::test]
async fn a_timeout_is_distinguished_from_a_closed_port() {
    let silent = Router::new().fallback(|| async { std::future::pending::<()>().await });
    let silent = serve(silent).await.by("token");
    let silent = silent.within(Duration::from_millis(50));
    let error = silent.status(&concert()).await;
    assert!(matches!(error, Err(Error::TimedOut(_))), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let closed = Sunbeon::new(&SunbeonUrl::of(address)).expect("no certificates are needed");
    let error = closed.by("token").status(&concert()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let shown = format!("{error:?}");
    assert!(
        !shown.contains("/v2/"),
        "it does not name the address: {shown}"
    );
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let error = told(|| Redirect::temporary("http://127.0.0.1:1/")).await;
    let error = error.status(&concert()).await.unwrap_err();
    assert_eq!(error.status(), Some(307));
}

#[tokio::test]
async fn entering_again_returns_the_existing_standing() {
    let again = || async { failure(409, "ALREADY_IN_QUEUE", Some(standing("WAITING"))) };
    let router = Router::new().route("/v2/waiting-room/enter", post(again));
    let entering = serve(router).await.by("token").enter(&concert()).await;
    let Ok(Entering::Already(standing)) = entering else {
        panic!("not in line already: {entering:?}");
    };
    assert_eq!(standing.status, Status::Waiting);
    assert_eq!(standing.entry_number, Some(EntryNumber(7)));
}

#[tokio::test]
async fn the_feed_of_a_concert_is_read_on_from_a_cursor() {
    let feed = |RawQuery(query): RawQuery, headers: HeaderMap| async move {
        assert_eq!(headers[header::AUTHORIZATION], "Bearer origin token");
        match query.as_deref() {
            None => success(json!({"revoked": [[7, 1_200]], "cursor": "1-7", "more": true})),
            Some("after=1-7") => success(json!({"revoked": [], "more": false})),
            other => panic!("{other:?}"),
        }
    };
    let router = Router::new().route("/v2/reservation/revoked/c", get(feed));
    let origin = serve(router).await.by("origin token");
    let first = origin.revoked(&concert(), None).await.expect("a page");
    assert_eq!((&first.revoked[..], first.more), (&[[7, 1_200]][..], true));
    let rest = origin.revoked(&concert(), first.cursor.as_deref()).await;
    let rest = rest.expect("a page");
    assert!(rest.revoked.is_empty() && rest.cursor.is_none() && !rest.more);
}

#[tokio::test]
async fn ending_a_session_that_is_gone_is_not_an_error_for_an_origin() {
    let gone = || async { failure(404, "CONCERT_NOT_FOUND", None) };
    let over = || async { failure(403, "NOT_READY", None) };
    let router = Router::new()
        .route("/v2/admin/concerts/{concert}", get(gone))
        .route("/v2/waiting-room/snapshot/{concert}", get(gone))
        .route("/v2/reservation/sessions/{concert}/complete", post(gone))
        .route("/v2/reservation/sessions/{concert}/extend", post(over))
        .route("/v2/reservation/stock/{concert}", put(gone));
    let sunbeon = serve(router).await;
    let origin = sunbeon.by("origin token");
    let member = MemberId::parse("m").expect("a valid id");
    assert!(
        origin
            .concert(&concert())
            .await
            .expect("an answer")
            .is_none()
    );
    assert!(
        sunbeon
            .snapshot::<Value>(&concert())
            .await
            .expect("an answer")
            .is_none()
    );
    let (concert, entry) = (concert(), EntryNumber(7));
    let completed = origin.complete_session(&concert, &member, entry).await;
    completed.expect("nothing to end");
    let extended = origin.extend_session(&concert, &member, entry).await;
    assert!(extended.expect("an answer").is_none());
    let report = StockReport {
        tiers: vec![],
        held: 0,
    };
    let reported = origin.report_stock(&concert, &report).await;
    assert!(!reported.expect("nobody to tell"));
}

#[test]
fn the_url_is_checked_before_any_request() {
    for bad in [
        "",
        "queue.example",
        "ftp://queue.example",
        "http://q/?a=b",
        "http://q/#a",
    ] {
        assert_eq!(SunbeonUrl::parse(bad), Err(InvalidUrl), "{bad}");
    }
    let behind_a_path = SunbeonUrl::parse("https://shop.example/queue/").expect("a valid URL");
    let path = behind_a_path.at("/v2").to_string();
    assert_eq!(path, "https://shop.example/queue/v2");
}
