//! `sunbeon health`, as a container's health check calls it.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use sunbeon_test_support::{access::HS256_SECRET, free_port};

use crate::app::{App, bare};

/// Returns the exit code and everything that was printed.
async fn health(arguments: &[&str], bind: Option<&str>) -> (Option<i32>, String) {
    let mut command = bare();
    command.arg("health").args(arguments);
    command.envs(bind.map(|bind| ("SUNBEON__HTTP__BIND", bind)));
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.expect("no panic").expect("it starts");
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8(said).expect("a text");
    (done.status.code(), said)
}

#[tokio::test]
async fn a_process_that_is_ready_is_well_at_a_url_and_at_its_own_address() {
    let port = free_port();
    let secret = ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET.to_owned());
    let everywhere = format!("0.0.0.0:{port}");
    let process = crate::app::launch(&everywhere, &["--fans", "0"], &[secret]);
    let app = App::at(process, port);
    app.is_up().await;

    let well = (Some(0), "ready\n".to_owned());
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(health(&[&url], None).await, well);
    assert_eq!(health(&[], Some(&everywhere)).await, well);
    assert_eq!(health(&[], Some(&format!("localhost:{port}"))).await, well);
}

#[tokio::test]
async fn nobody_at_the_address_is_said_in_one_line() {
    let (code, said) = health(&[&format!("http://127.0.0.1:{}", free_port())], None).await;
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("/ready does not answer"), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[tokio::test]
async fn a_process_that_drains_is_not_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let draining = thread::spawn(move || {
        let (mut caller, _) = listener.accept()?;
        let mut asked = vec![0; 4096];
        let size = caller.read(&mut asked)?;
        asked.truncate(size);
        caller.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")?;
        std::io::Result::Ok(asked)
    });
    let (code, said) = health(&[&url], None).await;
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("/ready answers 503"), "{said}");
    let asked = draining.join().expect("no panic").expect("it was asked");
    assert!(asked.starts_with(b"GET /ready "), "{asked:?}");
}

#[test]
fn an_address_without_http_is_refused() {
    let done = bare().args(["health", "127.0.0.1:8080"]).output();
    assert_eq!(done.expect("it starts").status.code(), Some(2));
}
