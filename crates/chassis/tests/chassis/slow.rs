//! Connections that send nothing, or send too slowly, are closed.

use std::time::Duration;

use futures::{TryStreamExt, stream::FuturesUnordered};
use sunbeon_chassis::http;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{App, http_settings};

/// The longest that any test waits.
const SOON: Duration = Duration::from_secs(30);

async fn app() -> App {
    App::start(http_settings(&[(
        "SUNBEON__HTTP__HEADER_TIMEOUT_SECONDS",
        "1",
    )]))
    .await
}

/// Waits until the server closes a connection and returns everything it sent.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut answer)).await;
    // A reset counts as closed, too.
    let _ = read.expect("the server closes the connection");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_connection_that_sends_nothing_or_half_its_headers_is_closed() {
    let app = app().await;
    for sent in ["", "GET /ok HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(until_closed(stream).await, "", "{sent:?}");
    }
}

#[tokio::test]
async fn a_thousand_connections_at_once_wait_for_a_busy_server() {
    // Nothing accepts.
    let listener = http::bind("127.0.0.1:0", "").await.unwrap();
    let address = listener.local_addr().unwrap();
    let all: FuturesUnordered<_> = (0..1_000).map(|_| TcpStream::connect(address)).collect();
    // The kernel leaves a connection beyond the backlog to retry after a second, for a minute.
    let connected = timeout(SOON, all.try_collect::<Vec<_>>()).await;
    assert_eq!(connected.expect("all are connected").unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_connection_that_drips_its_headers_is_closed() {
    let app = app().await;
    let stream = TcpStream::connect(app.address).await.unwrap();
    let (read, mut write) = stream.into_split();
    let drip = async {
        write.write_all(b"GET /ok HTTP/1.1\r\n").await?;
        loop {
            write.write_all(b"a: b\r\n").await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let closed = async {
        let mut read = read;
        let _ = read.read_to_end(&mut Vec::new()).await;
    };
    let dripping = async {
        let _: std::io::Result<()> = drip.await;
    };
    let ended = async {
        tokio::select! { () = dripping => {}, () = closed => {} }
    };
    timeout(SOON, ended)
        .await
        .expect("the server closes the connection");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_kept() {
    let app = app().await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    // Longer than the limit for headers, which does not apply while a request runs.
    for _ in 0..3 {
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        let mut rest = String::new();
        while !rest.ends_with("slow") {
            rest.push(char::from(stream.read_u8().await.unwrap()));
        }
    }
    assert_eq!(until_closed(stream).await, "");
}
