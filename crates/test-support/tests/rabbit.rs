//! A private RabbitMQ starts, dies and comes back; virtual hosts and databases are private.

use std::process::Command;
use std::time::Duration;

use sunbeon_test_support::{RabbitServer, TestDatabase, TestVhost, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Returns whether an AMQP server greets at `amqp://…@host:port/…`.
async fn greets(url: &str) -> bool {
    let address = url
        .split_once('@')
        .expect("a user")
        .1
        .split('/')
        .next()
        .expect("an address");
    let Ok(mut connection) = TcpStream::connect(address).await else {
        return false;
    };
    let mut frame = [0_u8; 7];
    let greeted = connection.write_all(b"AMQP\x00\x00\x09\x01").await.is_ok()
        && connection.read_exact(&mut frame).await.is_ok();
    greeted && frame[0] == 1
}

#[tokio::test]
async fn a_node_comes_back_on_its_port_after_a_kill_and_a_stop() {
    let server = RabbitServer::start().await;
    assert!(greets(server.amqp_url()).await);
    server.kill().await;
    assert!(!greets(server.amqp_url()).await);
    server.start_again().await;
    assert!(greets(server.amqp_url()).await);
    server.stop().await;
    assert!(!greets(server.amqp_url()).await);
    server.start_again().await;
    assert!(greets(server.amqp_url()).await);
}

#[tokio::test]
async fn every_vhost_is_new_and_on_the_shared_node() {
    let (one, two) = (TestVhost::create().await, TestVhost::create().await);
    assert_ne!(one.url(), two.url());
    assert!(one.url().ends_with(one.name()));
    assert!(greets(one.url()).await);
}

#[tokio::test]
async fn a_database_starts_empty_and_is_gone_after_its_drop() {
    let tables = |url: &str| {
        let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        let asked = Command::new("psql")
            .args(["-X", "-w", "-tAc", count, "-d", url])
            .output();
        String::from_utf8_lossy(&asked.expect("psql runs").stdout)
            .trim()
            .to_owned()
    };
    let database = TestDatabase::postgres().await;
    let url = database.url().to_owned();
    assert_eq!(tables(&url), "0");
    drop(database);
    assert_eq!(tables(&url), "", "no such database");
}

#[tokio::test]
#[should_panic(expected = "the moon is green")]
async fn waiting_ends_when_the_condition_holds() {
    eventually(Duration::from_millis(50), "the moon is green", async || {
        false
    })
    .await;
}
