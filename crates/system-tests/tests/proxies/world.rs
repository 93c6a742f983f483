//! A shop with three concerts behind a proxy, and Sunbeon behind its front door.

use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use std::time::Duration;
use sunbeon_system_tests::{FrontDoor, Kind, Origin, Replica, Service, ShopDoor, Stack};
use sunbeon_test_support::{Api, access};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A shop with three concerts: two with a line, `open-house` without.
pub(crate) struct Shop {
    pub(crate) door: ShopDoor,
    pub(crate) origin: Origin,
    pub(crate) sunbeon: Api,
    pub(crate) token: Replica,
    http: Client,
    _front_door: FrontDoor,
    _others: [Replica; 2],
    _stack: Stack,
}

/// An answer of the shop.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Seen {
    /// Asserts that the request reached the origin, with this member.
    #[track_caller]
    pub(crate) fn is_for(&self, member: Option<&str>) {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body["member"], json!(member), "{}", self.body);
        let all: Vec<_> = member.into_iter().collect();
        assert_eq!(self.body["members"], json!(all), "{}", self.body);
    }
}

impl Shop {
    pub(crate) async fn open(kind: Kind) -> Self {
        let stack = Stack::start().await;
        let (room, control, token) = tokio::join!(
            stack.run(Service::WaitingRoom),
            stack.run(Service::ReservationOpen),
            stack.run(Service::Token),
        );
        let front_door = FrontDoor::start(&stack, &[&room], &[&control], &[&token], &[]).await;
        let sunbeon = front_door.operators();
        for concert in ["rock", "jazz"] {
            let policy = json!({ "mode": "threshold", "maxActive": 100 });
            sunbeon.create(concert, policy).await;
        }
        let policy = json!({ "mode": "off" });
        sunbeon.create("open-house", policy).await;
        let origin = Origin::start();
        let door = ShopDoor::start(kind, &origin, stack.operators_door()).await;
        let http = Client::builder().redirect(Policy::none()).no_proxy();
        Self {
            door,
            origin,
            sunbeon,
            token,
            http: http.timeout(PATIENCE).build().unwrap(),
            _front_door: front_door,
            _others: [room, control],
            _stack: stack,
        }
    }

    /// Admits a member and returns the booking token.
    pub(crate) async fn admit(&self, concert: &str, member: &str) -> String {
        let _ = self.sunbeon.enter(concert, member).await.of(201);
        let issued = self.sunbeon.token(concert, member).await;
        issued.data(200)["token"].as_str().unwrap().to_owned()
    }

    /// Sends a request with a well-behaved client.
    pub(crate) async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.send(Method::GET, path, headers, "").await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Seen {
        let url = format!("http://127.0.0.1:{}{path}", self.door.port());
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Seen {
            status,
            headers,
            body,
        }
    }

    /// Sends a request line and headers exactly as given.
    pub(crate) async fn send_raw(&self, line: &[u8], headers: &[(&[u8], &str)]) -> Seen {
        raw(self.door.port(), line, headers).await
    }

    /// Requests a path exactly as given.
    pub(crate) async fn ask_raw(&self, path: &[u8], headers: &[(&[u8], &str)]) -> Seen {
        self.send_raw(&[b"GET ", path].concat(), headers).await
    }
}

/// Sends `method target` and headers to a port, byte for byte.
pub(crate) async fn raw(port: u16, line: &[u8], headers: &[(&[u8], &str)]) -> Seen {
    let mut request = [line, b" HTTP/1.1\r\n"].concat();
    request.extend(format!("Host: 127.0.0.1:{port}\r\n").bytes());
    for (name, value) in headers {
        request.extend([*name, b": ", value.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"Connection: close\r\n\r\n");
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        // A refusing proxy may keep the connection open for a while.
        while read(&answer).is_none() && stream.read_buf(&mut answer).await.is_ok_and(|n| n > 0) {}
        answer
    };
    let answer = timeout(PATIENCE, exchange).await;
    let asked = String::from_utf8_lossy(&request);
    let answer = answer.unwrap_or_else(|_| panic!("no answer to {asked:?}"));
    let (status, body) = read(&answer).unwrap_or_else(|| {
        panic!(
            "{asked:?} was answered {:?}",
            String::from_utf8_lossy(&answer)
        )
    });
    Seen {
        status,
        headers: HeaderMap::new(),
        body,
    }
}

/// Parses the status, and the origin's JSON if the status is 200, once the answer is complete.
fn read(answer: &[u8]) -> Option<(u16, Value)> {
    let answer = String::from_utf8_lossy(answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if status != 200 {
        return Some((status, Value::Null));
    }
    // Chunked or not.
    let json = &body[body.find('{')?..=body.rfind('}')?];
    Some((status, serde_json::from_str(json).ok()?))
}

/// Returns the header of a member's login.
pub(crate) fn bearer(member: &str) -> String {
    format!("Bearer {}", access::member(member))
}
