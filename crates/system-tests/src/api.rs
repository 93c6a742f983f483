use std::time::{Duration, Instant};

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Answer, InLine, Line};

/// What access tokens are signed with.
pub const HS256_SECRET: &str = "the system tests' secret of 32 bytes or more";
/// The static admin token.
pub const ADMIN_TOKEN: &str = "the-admin-token-of-the-system-tests";

/// The token of the shop's back end.
pub const ORIGIN_TOKEN: &str = "the-origin-token-of-the-system-tests";
/// What guest tokens are signed with.
pub const GUEST_SECRET: &str = "the system tests' secret of guests, 32 bytes or more";

/// A service, or the front door, as its callers see it. Cheap to clone.
///
/// Every method panics where no HTTP answer comes: a service that closes a connection on its
/// caller fails the test.
#[derive(Debug, Clone)]
pub struct Api {
    http: Client,
    pub(crate) base: String,
}

impl Api {
    /// At `http://127.0.0.1:port`.
    ///
    /// # Panics
    /// When there can be no HTTP client.
    pub fn at(port: u16) -> Self {
        // Longer than any answer may take: an answer that comes too late is told from none.
        let http = Client::builder()
            .timeout(Duration::from_secs(25))
            .no_proxy()
            .build();
        let base = format!("http://127.0.0.1:{port}");
        Self {
            http: http.expect("an HTTP client can be made"),
            base,
        }
    }

    /// Lines a member up.
    pub async fn enter(&self, concert: &str, member: &str) -> Answer {
        let request = self.of(member, Method::POST, "/v2/waiting-room/enter");
        send(request.json(&json!({ "concertId": concert }))).await
    }

    /// Where a member stands.
    pub async fn status(&self, concert: &str, member: &str) -> Answer {
        let path = format!("/v2/waiting-room/status/{concert}");
        send(self.of(member, Method::GET, &path)).await
    }

    /// Takes a member out.
    pub async fn exit(&self, concert: &str, member: &str) -> Answer {
        let path = format!("/v2/waiting-room/exit/{concert}");
        send(self.of(member, Method::POST, &path)).await
    }

    /// Fetches a member's booking token.
    pub async fn token(&self, concert: &str, member: &str) -> Answer {
        let path = format!("/v2/reservation/token/{concert}");
        send(self.of(member, Method::GET, &path)).await
    }

    /// Gives a booking token back.
    pub async fn complete(&self, concert: &str, member: &str, token: &str) -> Answer {
        let path = format!("/v2/reservation/complete/{concert}");
        send(
            self.of(member, Method::POST, &path)
                .header("X-Queue-Token", token),
        )
        .await
    }

    /// Creates a concert: its id, and the fields of the policy that differ from the defaults.
    pub async fn create(&self, concert: &str, mut policy: Value) -> Answer {
        policy["concertId"] = concert.into();
        policy["title"] = "콘서트 제목".into();
        send(
            self.as_admin(Method::POST, "/v2/admin/concerts")
                .json(&policy),
        )
        .await
    }

    /// An admin's act on a concert: `pause`, `resume`, `close`, `clear`.
    pub async fn act(&self, concert: &str, act: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/{act}");
        send(self.as_admin(Method::POST, &path)).await
    }

    /// Where a member stands, without a sign of life.
    pub async fn look_up(&self, concert: &str, member: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/members/{member}");
        send(self.as_admin(Method::GET, &path)).await
    }

    /// Takes a member out, as an admin.
    pub async fn remove(&self, concert: &str, member: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/members/{member}");
        send(self.as_admin(Method::DELETE, &path)).await
    }

    /// Opens a batch.
    pub async fn open(&self, concert: &str, batch: u32) -> Answer {
        send(self.opening(concert, batch)).await
    }

    /// Opens a batch with an `Idempotency-Key`.
    pub async fn open_once(&self, concert: &str, batch: u32, key: &str) -> Answer {
        send(self.opening(concert, batch).header("Idempotency-Key", key)).await
    }

    /// The line in numbers, as the service answers.
    pub async fn ask_line(&self, concert: &str) -> Answer {
        self.page(concert, "limit=1").await
    }

    /// The line in numbers.
    ///
    /// # Panics
    /// When the service does not answer 200, or one of the line's sums does not hold.
    pub async fn line(&self, concert: &str) -> Line {
        Line::read(self.ask_line(concert).await.of(200).data())
    }

    /// Everybody in line, from the front.
    ///
    /// # Panics
    /// As [`Api::line`].
    pub async fn members(&self, concert: &str) -> Vec<InLine> {
        let (mut all, mut query) = (Vec::new(), "limit=1000".to_owned());
        loop {
            let page = Line::read(self.page(concert, &query).await.of(200).data());
            all.extend(page.members());
            let Some(cursor) = page.next_cursor() else {
                return all;
            };
            query = format!("limit=1000&cursor={cursor}");
        }
    }

    /// Any path, as nobody.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Whether a path answers 200.
    pub async fn is_good(&self, path: &str) -> bool {
        let answer = self.request(Method::GET, path).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    async fn page(&self, concert: &str, query: &str) -> Answer {
        let path = format!("/v2/waiting-room/admin/{concert}?{query}");
        send(self.as_admin(Method::GET, &path)).await
    }

    fn opening(&self, concert: &str, batch: u32) -> RequestBuilder {
        let path = format!("/v2/reservation/open/{concert}?batchSize={batch}");
        self.as_admin(Method::POST, &path)
    }

    pub(crate) fn of(&self, member: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(access_token(member))
    }

    pub(crate) fn as_admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(ADMIN_TOKEN)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }
}

/// The access token of a member, or of a guest, by their id.
///
/// # Panics
/// When it cannot be signed.
pub fn access_token(member: &str) -> String {
    let exp = get_current_timestamp() + 600;
    let mut header = Header::default();
    let (claims, secret) = if member.starts_with("guest:") {
        header.kid = Some("sunbeon-guest".to_owned());
        let claims = json!({ "iss": "sunbeon-guest", "sub": member, "exp": exp });
        (claims, GUEST_SECRET)
    } else {
        let claims = json!({ "sub": member, "name": "사용자명", "exp": exp });
        (claims, HS256_SECRET)
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&header, &claims, &key).expect("a token can be signed")
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let begun = Instant::now();
    let (http, request) = request.build_split();
    let request = request.expect("a test's request is well-formed");
    let asked = format!("{} {}", request.method(), request.url());
    let failed = |error| -> ! { panic!("no answer to {asked}: {error:?}") };
    let answer = http
        .execute(request)
        .await
        .unwrap_or_else(|error| failed(error));
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_else(|error| failed(error));
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Answer {
        status,
        headers,
        body,
        took: begun.elapsed(),
        asked,
    }
}
