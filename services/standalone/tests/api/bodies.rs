//! Hostile bodies are refused with an exact code and change nothing.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sunbeon_test_support::{
    Line,
    access::{admin, member},
    send,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::app::App;

const ENTER: &str = "/v2/waiting-room/enter";

/// A concert with somebody in line, and a POST that would change it.
async fn with_a_line() -> (App, Line) {
    let app = App::embedded().await;
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
    let line = app.line("c").await;
    (app, line)
}

fn json_request(app: &App, path: &str, token: &str, body: Vec<u8>) -> RequestBuilder {
    let request = app.request(Method::POST, path, token);
    request
        .header("Content-Type", "application/json")
        .body(body)
}

#[tokio::test]
async fn a_body_of_the_wrong_shape_is_refused() {
    let (app, before) = with_a_line().await;
    let deep = |open: &str, close: &str| {
        let nested = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
        format!("{{\"concertId\":{nested}}}").into_bytes()
    };
    let bodies: Vec<Vec<u8>> = vec![
        b"".into(),
        b"{".into(),
        b"null".into(),
        b"[]".into(),
        b"[\"c\"]".into(),
        b"\"c\"".into(),
        b"7".into(),
        b"{\"concertId\":\"c\"} {}".into(),
        b"{\"concertId\":\"c\",}".into(),
        b"{'concertId':'c'}".into(),
        b"\xEF\xBB\xBF{\"concertId\":\"c\"}".into(),
        b"{\"concertId\":\"c\xFF\"}".into(),
        b"{\"concertId\":\"\xC0\x80\"}".into(),
        b"{\"concertId\":\"\\uD800\"}".into(),
        b"\0{\"concertId\":\"c\"}".into(),
        b"{\"concertId\":\"c\"}\0".into(),
        b"concertId=c".into(),
        deep("[", "]"),
        deep("{\"a\":", "}"),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(60)
            .collect::<String>();
        let refused = send(json_request(&app, ENTER, &member("b"), body.clone())).await;
        assert_eq!(refused.body["code"], "INVALID_BODY", "{shown}");
        assert!(refused.body.get("data").is_none(), "{shown}");
        let refused = send(json_request(&app, "/v2/admin/concerts", &admin(), body)).await;
        assert_eq!(refused.body["code"], "INVALID_BODY", "{shown}");
    }
    let fields: [(&[u8], _); 8] = [
        (b"{\"concertId\":\"c\",\"concertId\":\"c\"}", "concertId"),
        (b"{}", "concertId"),
        (b"{\"concertId\":null}", "concertId"),
        (b"{\"concertId\":7}", "concertId"),
        (b"{\"concertId\":[\"c\"]}", "concertId"),
        (b"{\"concertId\":{\"concertId\":\"c\"}}", "concertId"),
        (b"{\"concertid\":\"c\"}", "concertid"),
        (
            b"{\"concertId\":\"c\",\"memberId\":\"someone-else\"}",
            "memberId",
        ),
    ];
    for (body, name) in fields {
        let refused = send(json_request(&app, ENTER, &member("b"), body.into())).await;
        let shown = String::from_utf8_lossy(body);
        if name == "concertId" {
            assert_eq!(refused.body["code"], "INVALID_CONCERT_ID", "{shown}");
        } else {
            let data = refused.fails("INVALID_BODY");
            assert_eq!(*data, json!({"unknownField": name}), "{shown}");
        }
    }
    assert_eq!(app.line("c").await, before);
}

#[tokio::test]
async fn content_types_other_than_json_are_refused() {
    let (app, before) = with_a_line().await;
    let body = json!({"concertId": "c"}).to_string();
    let types = [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonp"),
        Some("application"),
        Some(""),
    ];
    for kind in types {
        for (path, token) in [(ENTER, member("b")), ("/v2/admin/concerts", admin())] {
            let mut request = app.request(Method::POST, path, &token).body(body.clone());
            if let Some(kind) = kind {
                request = request.header("Content-Type", kind);
            }
            let refused = send(request).await;
            assert_eq!(
                refused.body["code"], "UNSUPPORTED_MEDIA_TYPE",
                "{kind:?} {path}"
            );
        }
    }
    app.post(ENTER, &member("b"))
        .await
        .fails("UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(app.line("c").await, before);
    let named = app.request(Method::POST, ENTER, &member("b")).body(body);
    let named = named.header("Content-Type", "Application/JSON; charset=utf-8");
    send(named).await.data(201);
}

/// Reads one answer from a connection that stays open: the status, and the body by its length.
async fn read_answer(connection: &mut BufReader<TcpStream>) -> (u16, String) {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        connection
            .read_line(&mut line)
            .await
            .expect("a header line");
        if line.trim().is_empty() {
            break;
        }
        if let Some(code) = line.strip_prefix("HTTP/1.1 ") {
            status = code[..3].parse().expect("a status");
        }
        if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    connection
        .read_exact(&mut body)
        .await
        .expect("the whole body");
    (status, String::from_utf8(body).expect("UTF-8"))
}

#[tokio::test]
async fn a_huge_body_is_refused_and_the_connection_stays_usable() {
    let (app, before) = with_a_line().await;
    let address = app.url().strip_prefix("http://").expect("a URL");
    let connection = TcpStream::connect(address).await.expect("a connection");
    let mut connection = BufReader::new(connection);
    for size in [65 * 1024, 1024 * 1024, 9 * 1024 * 1024] {
        let filler = "x".repeat(size);
        let body = format!("{{\"concertId\":\"c\",\"filler\":\"{filler}\"}}");
        let head = format!(
            "POST {ENTER} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            member("b"),
            body.len()
        );
        // All of it is sent before anything is read, and no reset may lose the answer.
        connection
            .write_all(head.as_bytes())
            .await
            .expect("the headers are accepted");
        connection
            .write_all(body.as_bytes())
            .await
            .expect("the whole body is accepted");
        let (status, answer) = read_answer(&mut connection).await;
        let answer: Value = serde_json::from_str(&answer).expect("the envelope");
        assert_eq!(
            (status, &answer["code"]),
            (413, &json!("BODY_TOO_LARGE")),
            "{size}"
        );
    }
    let next = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
    connection
        .write_all(next.as_bytes())
        .await
        .expect("the connection stays usable");
    assert_eq!(read_answer(&mut connection).await.0, 200);
    let chunked = format!(
        "POST {ENTER} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
         20000\r\n{}\r\n0\r\n\r\n",
        "y".repeat(0x20000)
    );
    connection
        .write_all(chunked.as_bytes())
        .await
        .expect("chunks are accepted");
    assert_eq!(
        read_answer(&mut connection).await.0,
        413,
        "even without a length"
    );
    assert_eq!(app.line("c").await, before);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let (app, _) = with_a_line().await;
    let frame = "{\"concertId\":\"c\"}";
    for (size, status) in [(64 * 1024, 409), (64 * 1024 + 1, 413)] {
        let body = format!("{frame}{}", " ".repeat(size - frame.len()));
        let answer = send(json_request(&app, ENTER, &member("a"), body.into())).await;
        assert_eq!(answer.status, status, "{size}");
    }
}

#[tokio::test]
async fn odd_but_good_names_and_titles_survive() {
    let app = App::embedded().await;
    let title = "ab \"<script>\\ 가나다 \u{200f}שלום 𝄞";
    app.post_json(
        "/v2/admin/concerts",
        &admin(),
        &json!({"concertId": "c", "title": title}),
    )
    .await
    .data(201);
    assert_eq!(
        app.enter("c", "{c}:*").await.data(201)["concertTitle"],
        title
    );
    assert_eq!(app.standing("c", "{c}:*").await["queueNumber"], 1);
}
