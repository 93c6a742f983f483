//! Tests against a publisher over real HTTP.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use sunbeon_test_support::eventually;
use tokio::{net::TcpListener, sync::Semaphore};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_secs(3600);
/// No fetches by the clock.
const STILL: Pace = Pace {
    fresh: NEVER,
    after_failure: NEVER,
    asked: NEVER,
    timeout: Duration::from_secs(2),
};

/// Publishes a text, counts its fetches, and answers one fetch per permit.
#[derive(Clone)]
struct Publisher {
    address: SocketAddr,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Publisher {
    async fn start(text: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let publisher = Self {
            address: listener.local_addr().unwrap(),
            answer: Arc::new(Mutex::new((StatusCode::OK, text.to_owned()))),
            fetches: Arc::default(),
            permits: Arc::new(Semaphore::new(1000)),
        };
        let app = Router::new()
            .route("/keys", get(Self::keys))
            .route("/moved", get(async || Redirect::temporary("/keys")))
            .route(
                "/elsewhere",
                get(async || Redirect::temporary("ftp://127.0.0.1/keys")),
            )
            .route("/round", get(async || Redirect::temporary("/round")))
            .with_state(publisher.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        publisher
    }

    async fn keys(State(publisher): State<Self>) -> Response {
        publisher.fetches.fetch_add(1, Ordering::SeqCst);
        publisher.permits.acquire().await.unwrap().forget();
        let (status, text) = publisher.answer.lock().clone();
        (status, Body::from(text)).into_response()
    }

    fn publish(&self, text: &str) {
        self.answer(StatusCode::OK, text);
    }

    fn answer(&self, status: StatusCode, text: &str) {
        *self.answer.lock() = (status, text.to_owned());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn url(&self, path: &str) -> Url {
        http_url(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn keys_of(&self, pace: Pace) -> RemoteKeys<String> {
        RemoteKeys::paced(self.url("/keys"), parse, pace)
    }
}

fn parse(text: &str) -> Option<String> {
    text.starts_with("keys").then(|| text.to_owned())
}

fn text(keys: Option<Arc<String>>) -> Option<String> {
    keys.map(|keys| (*keys).clone())
}

#[tokio::test]
async fn there_are_no_keys_before_the_first_fetch() {
    let publisher = Publisher::start("keys 1").await;
    let keys = publisher.keys_of(STILL);
    assert_eq!(keys.current(), None);
    assert_eq!(publisher.fetches(), 0);
    assert_eq!(text(keys.refreshed().await), Some("keys 1".to_owned()));
    assert_eq!(text(keys.current()), Some("keys 1".to_owned()));
}

#[tokio::test]
async fn simultaneous_requests_share_one_fetch() {
    let publisher = Publisher::start("keys 1").await;
    publisher.permits.forget_permits(1000);
    let keys = publisher.keys_of(STILL);
    let asking: Vec<_> = (0..50)
        .map(|_| keys.clone())
        .map(|keys| tokio::spawn(async move { text(keys.refreshed().await) }))
        .collect();
    eventually(LIMIT, "a fetch is in progress", async || {
        publisher.fetches() == 1
    })
    .await;
    publisher.permits.add_permits(1000);
    for asked in asking {
        assert_eq!(asked.await.unwrap(), Some("keys 1".to_owned()));
    }
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test]
async fn a_requested_fetch_continues_when_its_caller_goes_away() {
    let publisher = Publisher::start("keys 1").await;
    publisher.permits.forget_permits(1000);
    let keys = publisher.keys_of(STILL);
    let asking = tokio::spawn({
        let keys = keys.clone();
        async move { keys.refreshed().await }
    });
    eventually(LIMIT, "a fetch is in progress", async || {
        publisher.fetches() == 1
    })
    .await;
    asking.abort();
    publisher.permits.add_permits(1000);
    assert_eq!(text(keys.refreshed().await), Some("keys 1".to_owned()));
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test]
async fn callers_cause_at_most_one_fetch_in_ten_seconds_even_after_failures() {
    for status in [StatusCode::OK, StatusCode::BAD_GATEWAY] {
        let publisher = Publisher::start("keys 1").await;
        publisher.answer(status, "keys 1");
        let keys = RemoteKeys::new(publisher.url("/keys"), parse);
        keys.refreshed().await;
        assert_eq!(publisher.fetches(), 1);
        publisher.publish("keys 2");

        // Nothing is fetched, so nothing waits for the network while the clock is paused.
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(9_000)).await;
        let before = text(keys.refreshed().await);
        assert_eq!(before.is_some(), status == StatusCode::OK);
        assert_ne!(before.as_deref(), Some("keys 2"));
        tokio::time::advance(Duration::from_millis(1_000)).await;
        tokio::time::resume();
        assert_eq!(text(keys.refreshed().await), Some("keys 2".to_owned()));
        assert_eq!(publisher.fetches(), 2);
    }
}

#[tokio::test]
async fn a_periodic_fetch_counts_towards_the_limit_of_requested_ones() {
    let publisher = Publisher::start("keys 1").await;
    let keys = publisher.keys_of(STILL);
    tokio::spawn(keys.clone().keep_fresh(CancellationToken::new()));
    eventually(LIMIT, "keys come", async || keys.current().is_some()).await;
    publisher.publish("keys 2");
    assert_eq!(text(keys.refreshed().await), Some("keys 1".to_owned()));
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test]
async fn keys_are_fetched_at_once_and_then_every_minute() {
    let publisher = Publisher::start("keys 1").await;
    let keys = RemoteKeys::new(publisher.url("/keys"), parse);
    tokio::spawn(keys.clone().keep_fresh(CancellationToken::new()));
    eventually(LIMIT, "keys come", async || keys.current().is_some()).await;
    publisher.publish("keys 2");

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(publisher.fetches(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    eventually(LIMIT, "the new keys come", async || {
        text(keys.current()).as_deref() == Some("keys 2")
    })
    .await;
    assert_eq!(publisher.fetches(), 2);
}

#[tokio::test]
async fn a_failed_fetch_keeps_the_keys_and_is_retried_soon() {
    let publisher = Publisher::start("keys 1").await;
    let keys = publisher.keys_of(Pace {
        fresh: Duration::from_millis(1),
        after_failure: Duration::from_millis(1),
        ..STILL
    });
    tokio::spawn(keys.clone().keep_fresh(CancellationToken::new()));
    eventually(LIMIT, "keys come", async || keys.current().is_some()).await;
    let too_large = format!("keys{}", " ".repeat(1024 * 1024));
    for (status, garbage) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "keys 2"),
        (StatusCode::NO_CONTENT, ""),
        (StatusCode::OK, "<html>"),
        (StatusCode::OK, &too_large),
    ] {
        publisher.answer(status, garbage);
        let before = publisher.fetches();
        eventually(LIMIT, "it is retried", async || {
            publisher.fetches() > before + 3
        })
        .await;
        assert_eq!(text(keys.current()), Some("keys 1".to_owned()), "{status}");
    }
    publisher.publish("keys 2");
    eventually(LIMIT, "the new keys come", async || {
        text(keys.current()).as_deref() == Some("keys 2")
    })
    .await;
}

#[tokio::test]
async fn a_failed_fetch_is_retried_before_the_minute_is_up() {
    let publisher = Publisher::start("keys 1").await;
    publisher.answer(StatusCode::SERVICE_UNAVAILABLE, "");
    let keys = publisher.keys_of(Pace {
        after_failure: Duration::from_millis(1),
        ..STILL
    });
    tokio::spawn(keys.clone().keep_fresh(CancellationToken::new()));
    eventually(LIMIT, "it is tried three times", async || {
        publisher.fetches() >= 3
    })
    .await;
    publisher.publish("keys 1");
    eventually(LIMIT, "keys come", async || keys.current().is_some()).await;
}

#[tokio::test]
async fn an_unchanged_document_keeps_the_same_keys() {
    let publisher = Publisher::start("keys 1").await;
    let keys = publisher.keys_of(Pace {
        asked: Duration::ZERO,
        ..STILL
    });
    let first = keys.refreshed().await.unwrap();
    assert!(Arc::ptr_eq(&first, &keys.refreshed().await.unwrap()));
    publisher.publish("keys 2");
    assert!(!Arc::ptr_eq(&first, &keys.refreshed().await.unwrap()));
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test]
async fn a_hanging_publisher_times_out() {
    let publisher = Publisher::start("keys 1").await;
    publisher.permits.forget_permits(1000);
    let keys = publisher.keys_of(Pace {
        timeout: Duration::from_millis(50),
        ..STILL
    });
    let asked = tokio::time::timeout(LIMIT, keys.refreshed()).await;
    assert_eq!(asked.expect("it times out"), None);
}

#[tokio::test]
async fn a_refusing_publisher_is_distinguished_from_a_failing_one() {
    let publisher = Publisher::start("keys 1").await;
    let hurried = Pace {
        asked: Duration::ZERO,
        ..STILL
    };
    let keys = publisher.keys_of(hurried);
    for (status, refuses) in [
        (StatusCode::TOO_MANY_REQUESTS, true),
        (StatusCode::BAD_GATEWAY, false),
        (StatusCode::NOT_FOUND, true),
    ] {
        publisher.answer(status, "");
        assert_eq!(keys.refreshed().await, None);
        assert_eq!(keys.is_turned_away(), refuses, "{status}");
    }
    publisher.publish("keys 1");
    assert!(keys.refreshed().await.is_some());
    publisher.answer(StatusCode::TOO_MANY_REQUESTS, "");
    keys.refreshed().await;
    assert!(!keys.is_turned_away(), "it has the previous ones");
}

#[tokio::test]
async fn redirects_are_followed_a_few_times_and_never_to_another_scheme() {
    let publisher = Publisher::start("keys 1").await;
    for (path, found) in [("/moved", true), ("/elsewhere", false), ("/round", false)] {
        let keys = RemoteKeys::paced(publisher.url(path), parse, STILL);
        assert_eq!(keys.refreshed().await.is_some(), found, "{path}");
    }
}

#[tokio::test]
async fn keeping_fresh_ends_with_the_shutdown() {
    let publisher = Publisher::start("keys 1").await;
    publisher.permits.forget_permits(1000);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(publisher.keys_of(STILL).keep_fresh(shutdown.clone()));
    eventually(LIMIT, "a fetch is in progress", async || {
        publisher.fetches() == 1
    })
    .await;
    shutdown.cancel();
    tokio::time::timeout(LIMIT, task)
        .await
        .expect("it ends")
        .unwrap();
}

#[test]
fn an_address_is_http_or_https() {
    for bad in [
        "",
        "keys",
        "/keys",
        "ftp://a/keys",
        "file:///etc/keys",
        "data:,keys",
    ] {
        assert_eq!(http_url(bad), Err(NotHttpUrl), "{bad}");
    }
    for good in ["http://a/keys", "HTTPS://a:1/keys?x"] {
        assert!(http_url(good).is_ok(), "{good}");
    }
}
