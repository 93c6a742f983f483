//! A stop signal under load fails no request.

use std::{
    io::ErrorKind,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::support::{App, http_settings};
use axum::{Router, routing::get};
use sunbeon_chassis::http::Readiness;
use sunbeon_test_support::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::{sleep, timeout},
};

const REQUEST: &[u8] = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";
/// Long enough for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(30);

/// Why a client stopped.
#[derive(Debug, PartialEq)]
enum End {
    /// The port is closed.
    Refused,
    /// A request that was sent got no answer.
    Failed(String),
}

/// Sends one request after another over kept-alive connections until the port is closed.
///
/// The kernel resets a connection that it completes between the last `accept` and the `close` of
/// the port; no server can keep it, and load balancers have been told to stop by then. Here that
/// counts as a refusal if it was the first request on a connection and the port is closed.
async fn client(app: &App, served: &AtomicUsize) -> End {
    let mut answered = 0;
    while let Ok(mut stream) = TcpStream::connect(app.address).await {
        for on_this_connection in 0.. {
            let answer = match exchange(&mut stream).await {
                Ok(answer) => answer,
                Err(error)
                    if on_this_connection == 0
                        && error.kind() == ErrorKind::ConnectionReset
                        && TcpStream::connect(app.address).await.is_err() =>
                {
                    return End::Refused;
                }
                Err(error) => return End::Failed(format!("{error}: {answered}")),
            };
            if !answer.starts_with("http/1.1 200") {
                return End::Failed(answer);
            }
            if answered == 0 {
                served.fetch_add(1, Ordering::Relaxed);
            }
            answered += 1;
            if answer.contains("connection: close") {
                break;
            }
        }
    }
    End::Refused
}

/// Sends one request and returns its answer in lower case.
async fn exchange(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok") || !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).to_ascii_lowercase())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_a_busy_server_stops() {
    for _ in 0..5 {
        // A client that sends nothing during the delay never learns of the drain.
        let app = App::start(http_settings(&[("SUNBEON__HTTP__DRAIN_DELAY_MS", "1000")])).await;
        let served = AtomicUsize::new(0);
        let stop = async {
            let all = async || served.load(Ordering::Relaxed) == 16;
            eventually(SOON, "every client is served", all).await;
            app.shutdown.cancel();
        };
        let clients = futures::future::join_all((0..16).map(|_| client(&app, &served)));
        let (ends, ()) = timeout(SOON * 2, futures::future::join(clients, stop))
            .await
            .expect("the port closes");
        for end in ends {
            assert_eq!(end, End::Refused);
        }
    }
}

#[tokio::test]
async fn connections_made_while_draining_are_served_and_closed() {
    let app = App::start(http_settings(&[("SUNBEON__HTTP__DRAIN_DELAY_MS", "60000")])).await;
    let mut kept = TcpStream::connect(app.address).await.unwrap();
    assert!(
        !exchange(&mut kept)
            .await
            .unwrap()
            .contains("connection: close")
    );
    app.shutdown.cancel();
    eventually(SOON, "it drains", async || app.readiness.is_draining()).await;
    assert!(
        exchange(&mut kept)
            .await
            .unwrap()
            .contains("connection: close")
    );
    let mut new = TcpStream::connect(app.address).await.unwrap();
    assert!(
        exchange(&mut new)
            .await
            .unwrap()
            .contains("connection: close")
    );
    assert_eq!(app.get("/ready").send().await.unwrap().status(), 503);
    assert_eq!(app.get("/live").send().await.unwrap().status(), 200);
}

/// Starts a server with one route, which announces each request and then takes the given time.
async fn slow_app(variables: &[(&str, &str)], takes: Duration) -> (App, mpsc::Receiver<()>) {
    let (comes, come) = mpsc::channel(1);
    let slow = async move || {
        comes.send(()).await.unwrap();
        sleep(takes).await;
        "slow"
    };
    let router = Router::new().route("/slow", get(slow));
    let app = App::serve(router, Readiness::new(), http_settings(variables)).await;
    (app, come)
}

#[tokio::test]
async fn running_requests_finish_after_the_port_is_closed() {
    let delay = ("SUNBEON__HTTP__DRAIN_DELAY_MS", "1");
    let (mut app, mut come) = slow_app(&[delay], Duration::from_millis(400)).await;
    let slow = tokio::spawn(app.get("/slow").send());
    come.recv().await.unwrap();
    app.shutdown.cancel();
    let ended = timeout(SOON, &mut app.serving).await;
    assert!(ended.unwrap().unwrap().is_ok());
    assert!(TcpStream::connect(app.address).await.is_err());
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "slow");
}

#[tokio::test]
async fn requests_that_outlive_the_drain_are_cut_off() {
    let variables = [
        ("SUNBEON__HTTP__DRAIN_DELAY_MS", "1"),
        ("SUNBEON__HTTP__DRAIN_SECONDS", "0"),
    ];
    let (mut app, mut come) = slow_app(&variables, SOON * 10).await;
    let slow = tokio::spawn(app.get("/slow").send());
    come.recv().await.unwrap();
    app.shutdown.cancel();
    let ended = timeout(SOON, &mut app.serving).await;
    assert!(ended.unwrap().unwrap().is_ok());
    slow.abort();
}
