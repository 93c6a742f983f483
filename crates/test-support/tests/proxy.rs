//! The proxy fails in the ways that it promises.

use std::time::Duration;

use sunbeon_test_support::{TcpProxy, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(150);

/// Starts a server that echoes every byte and reports it to the test.
async fn echo() -> (String, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                while let Ok(byte) = connection.read_u8().await {
                    let _ = heard.send(byte);
                    if connection.write_u8(byte).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, hears)
}

async fn ask(connection: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    connection.write_u8(byte).await?;
    tokio::time::timeout(SOON, connection.read_u8())
        .await
        .expect("an answer or an end")
}

#[tokio::test]
async fn bytes_and_the_end_of_the_stream_are_passed_on() {
    let (server, _heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut client, 7).await.expect("an echo"), 7);
    client
        .shutdown()
        .await
        .expect("half a connection can be closed");
    assert!(
        client.read_u8().await.is_err(),
        "the server closed after us"
    );
}

#[tokio::test]
async fn cut_closes_what_is_live_and_takes_new_connections() {
    let (server, _heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut client, 1).await.expect("an echo"), 1);
    proxy.cut();
    let end = tokio::time::timeout(SOON, client.read_u8())
        .await
        .expect("not left hanging");
    assert!(end.is_err());
    let mut next = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut next, 2).await.expect("an echo"), 2);
}

#[tokio::test]
async fn stalled_bytes_arrive_after_resume() {
    let (server, mut heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut client, 1).await.expect("an echo"), 1);
    assert_eq!(heard.recv().await, Some(1));
    proxy.stall();
    client.write_u8(2).await.expect("the connection is open");
    assert!(
        tokio::time::timeout(SILENCE, client.read_u8())
            .await
            .is_err(),
        "open and silent"
    );
    assert!(heard.try_recv().is_err(), "nothing went upstream");
    proxy.resume();
    assert_eq!(client.read_u8().await.expect("an echo"), 2);
}

#[tokio::test]
async fn a_held_reply_belongs_to_a_request_that_was_executed() {
    let (server, mut heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    proxy.hold_replies(true);
    client.write_u8(9).await.expect("the connection is open");
    assert_eq!(heard.recv().await, Some(9), "the request was carried out");
    assert!(
        tokio::time::timeout(SILENCE, client.read_u8())
            .await
            .is_err(),
        "no reply"
    );
    proxy.cut();
    assert!(client.read_u8().await.is_err(), "the reply is lost");
}

#[tokio::test]
async fn refusing_ends_new_connections_and_leaves_live_ones() {
    let (server, _heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let mut live = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut live, 1).await.expect("an echo"), 1);
    proxy.refuse(true);
    let mut refused = TcpStream::connect(proxy.address())
        .await
        .expect("accepted first");
    assert!(ask(&mut refused, 2).await.is_err());
    assert_eq!(ask(&mut live, 3).await.expect("an echo"), 3);
    proxy.refuse(false);
    let mut next = TcpStream::connect(proxy.address())
        .await
        .expect("a connection");
    assert_eq!(ask(&mut next, 4).await.expect("an echo"), 4);
}

#[tokio::test]
async fn dropping_the_proxy_closes_everything() {
    let (server, _heard) = echo().await;
    let proxy = TcpProxy::start(server).await;
    let address = proxy.address();
    let mut client = TcpStream::connect(address).await.expect("a connection");
    assert_eq!(ask(&mut client, 1).await.expect("an echo"), 1);
    drop(proxy);
    assert!(
        tokio::time::timeout(SOON, client.read_u8())
            .await
            .expect("an end")
            .is_err()
    );
    eventually(SOON, "the port is closed", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
}
