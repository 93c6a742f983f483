//! A private Redis starts, dies and comes back.

use sunbeon_test_support::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends one inline command and returns the raw answer.
async fn ask(server: &RedisServer, command: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .expect("a connection");
    let lines = format!("{command}\r\nQUIT\r\n");
    connection
        .write_all(lines.as_bytes())
        .await
        .expect("an open connection");
    let mut answer = String::new();
    connection
        .read_to_string(&mut answer)
        .await
        .expect("an answer");
    answer
        .strip_suffix("+OK\r\n")
        .expect("the answer to QUIT")
        .to_owned()
}

#[tokio::test]
async fn written_data_outlives_a_kill() {
    let server = RedisServer::start().await;
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(ask(&server, "SET place 42").await, "+OK\r\n");
    server.kill();
    assert!(
        TcpStream::connect(("127.0.0.1", server.port()))
            .await
            .is_err()
    );
    server.start_again().await;
    assert_eq!(ask(&server, "GET place").await, "$2\r\n42\r\n");
    server.stop().await;
    server.start_again().await;
    assert_eq!(ask(&server, "GET place").await, "$2\r\n42\r\n");
}

#[tokio::test]
async fn a_frozen_clock_moves_only_when_told() {
    let noon = 1_767_225_600_000_000;
    let server = RedisServer::with_frozen_clock(noon).await;
    let at_noon = "*2\r\n$10\r\n1767225600\r\n$1\r\n0\r\n";
    assert_eq!(ask(&server, "TIME").await, at_noon);
    assert_eq!(ask(&server, "TIME").await, at_noon);
    assert_eq!(
        ask(&server, "EVAL \"return redis.call('TIME')\" 0").await,
        at_noon
    );
    assert_eq!(ask(&server, "SET place 42 PX 1000").await, "+OK\r\n");
    server.set_clock(noon + 999_000);
    assert_eq!(ask(&server, "GET place").await, "$2\r\n42\r\n");
    server.set_clock(noon + 1_001_123);
    assert_eq!(
        ask(&server, "TIME").await,
        "*2\r\n$10\r\n1767225601\r\n$4\r\n1123\r\n"
    );
    assert_eq!(ask(&server, "GET place").await, "$-1\r\n");
}

#[tokio::test]
async fn a_frozen_clock_outlives_a_kill() {
    let server = RedisServer::with_frozen_clock(5_000_000).await;
    assert_eq!(ask(&server, "SET place 42").await, "+OK\r\n");
    server.kill();
    server.start_again().await;
    assert_eq!(ask(&server, "TIME").await, "*2\r\n$1\r\n5\r\n$1\r\n0\r\n");
    assert_eq!(ask(&server, "GET place").await, "$2\r\n42\r\n");
}
