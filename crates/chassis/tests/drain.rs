//! A stop signal under load fails no request.

mod support;

use std::{io::ErrorKind, time::Duration};

use support::{App, http_settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

const REQUEST: &[u8] = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n";

/// Why a client stopped.
#[derive(Debug, PartialEq)]
enum End {
    /// The port is closed.
    Refused,
    /// A request that was sent got no answer.
    Failed(String),
}

/// Sends one request after the other over kept connections until the port is closed.
///
/// The kernel resets a connection that it completes between the last `accept` and the `close` of
/// the port; no server can keep it, and whoever routes here has been told before. That is a
/// refusal where it was the first request on a connection and the port is closed by then.
async fn client(app: &App) -> (u32, End) {
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
                    return (answered, End::Refused);
                }
                Err(error) => return (answered, End::Failed(format!("{error}: {answered}"))),
            };
            if !answer.starts_with("http/1.1 200") {
                return (answered, End::Failed(answer));
            }
            answered += 1;
            if answer.contains("connection: close") {
                break;
            }
        }
    }
    (answered, End::Refused)
}

/// One request and its answer, in lower case.
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
async fn no_request_fails_while_a_loaded_server_stops() {
    for _ in 0..5 {
        let app = App::start(http_settings(&[("SUNBEON__HTTP__DRAIN_DELAY_MS", "300")])).await;
        let stop = async {
            sleep(Duration::from_millis(200)).await;
            app.shutdown.cancel();
        };
        let clients = futures::future::join_all((0..16).map(|_| client(&app)));
        let (ends, ()) = timeout(
            Duration::from_secs(20),
            futures::future::join(clients, stop),
        )
        .await
        .expect("the port closes");
        for (answered, end) in ends {
            assert_eq!(end, End::Refused);
            assert!(answered > 0);
        }
    }
}

#[tokio::test]
async fn while_draining_new_connections_are_served_and_told_to_close() {
    let app = App::start(http_settings(&[("SUNBEON__HTTP__DRAIN_DELAY_MS", "2000")])).await;
    let mut kept = TcpStream::connect(app.address).await.unwrap();
    assert!(
        !exchange(&mut kept)
            .await
            .unwrap()
            .contains("connection: close")
    );
    app.shutdown.cancel();
    timeout(Duration::from_secs(2), async {
        while !app.readiness.is_draining() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
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

#[tokio::test]
async fn what_runs_is_finished_after_the_port_has_closed() {
    let mut app = App::start(http_settings(&[("SUNBEON__HTTP__DRAIN_DELAY_MS", "1")])).await;
    let slow = tokio::spawn(app.get("/slow").send());
    sleep(Duration::from_millis(100)).await;
    app.shutdown.cancel();
    let ended = timeout(Duration::from_secs(5), &mut app.serving).await;
    assert!(ended.unwrap().unwrap().is_ok());
    assert!(TcpStream::connect(app.address).await.is_err());
    assert_eq!(slow.await.unwrap().unwrap().text().await.unwrap(), "slow");
}

#[tokio::test]
async fn what_outlives_the_drain_is_cut_off() {
    let variables = [
        ("SUNBEON__HTTP__DRAIN_DELAY_MS", "1"),
        ("SUNBEON__HTTP__DRAIN_SECONDS", "0"),
    ];
    let mut app = App::start(http_settings(&variables)).await;
    let slow = tokio::spawn(app.get("/slow").send());
    sleep(Duration::from_millis(100)).await;
    app.shutdown.cancel();
    let ended = timeout(Duration::from_millis(250), &mut app.serving).await;
    assert!(ended.unwrap().unwrap().is_ok());
    slow.abort();
}
