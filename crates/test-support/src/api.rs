mod answer;
mod browser;
mod line;
mod manual;
mod shop;

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub use self::{
    answer::{Answer, send},
    browser::{Browser, Seen},
    line::{InLine, Line},
    manual::{DocumentedFailure, documented_failures},
    shop::GATED_ROUTES,
};
use crate::{
    access::{ADMIN_TOKEN, admin, member},
    eventually,
};

const QUEUE_TOKEN: &str = "X-Queue-Token";
/// Longer than any answer may take, to distinguish a late answer from a missing one.
const ANSWER_LIMIT: Duration = Duration::from_secs(25);
/// Long enough for anything pending, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// A service or a front door as its callers see it: raw JSON over HTTP. Cheap to clone.
///
/// Paths begin with `/`; an empty token sends no `Authorization`. Every method panics where
/// [`send`] does.
#[derive(Debug, Clone)]
pub struct Api {
    http: Client,
    url: String,
}

impl Api {
    /// Returns the client of `http://127.0.0.1:port`.
    ///
    /// # Panics
    /// If the HTTP client cannot be created.
    pub fn at(port: u16) -> Self {
        let http = Client::builder().timeout(ANSWER_LIMIT).no_proxy().build();
        Self {
            http: http.expect("could not create an HTTP client"),
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Returns `http://` with host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Starts a request, to be completed by [`send`].
    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::GET, path, token)).await
    }

    /// Sends a POST without a body.
    pub async fn post(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::POST, path, token)).await
    }

    /// Sends a POST with a body.
    pub async fn post_json(&self, path: &str, token: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path, token).json(body)).await
    }

    /// Sends a PUT with a body.
    pub async fn put_json(&self, path: &str, token: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path, token).json(body)).await
    }

    /// Sends a DELETE.
    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::DELETE, path, token)).await
    }

    /// Returns whether a path answers 200; no answer counts as no.
    pub async fn is_good(&self, path: &str) -> bool {
        let answer = self.request(Method::GET, path, "").send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Lines a member up.
    pub async fn enter(&self, concert: &str, who: &str) -> Answer {
        let body = json!({"concertId": concert});
        let path = "/v2/waiting-room/enter";
        self.post_json(path, &member(who), &body).await
    }

    /// Requests a member's status.
    pub async fn status(&self, concert: &str, who: &str) -> Answer {
        let path = format!("/v2/waiting-room/status/{concert}");
        self.get(&path, &member(who)).await
    }

    /// Returns a member's standing.
    ///
    /// # Panics
    /// If the answer is not 200.
    pub async fn standing(&self, concert: &str, who: &str) -> Value {
        self.status(concert, who).await.data(200).clone()
    }

    /// Lets a member leave by choice.
    pub async fn exit(&self, concert: &str, who: &str) -> Answer {
        let path = format!("/v2/waiting-room/exit/{concert}");
        self.post(&path, &member(who)).await
    }

    /// Requests a guest token.
    pub async fn guest(&self, concert: &str) -> Answer {
        let body = json!({"concertId": concert});
        self.post_json("/v2/waiting-room/guest", "", &body).await
    }

    /// Fetches a member's booking token.
    pub async fn token(&self, concert: &str, who: &str) -> Answer {
        let path = format!("/v2/reservation/token/{concert}");
        self.get(&path, &member(who)).await
    }

    /// Completes a member's own session.
    pub async fn complete(&self, concert: &str, who: &str, booking_token: &str) -> Answer {
        let path = format!("/v2/reservation/complete/{concert}");
        let request = self.request(Method::POST, &path, &member(who));
        send(request.header(QUEUE_TOKEN, booking_token)).await
    }

    /// Opens a batch.
    pub async fn open(&self, concert: &str, batch: u32) -> Answer {
        send(self.opening(concert, batch)).await
    }

    /// Opens a batch with an `Idempotency-Key`.
    pub async fn open_once(&self, concert: &str, batch: u32, key: &str) -> Answer {
        send(self.opening(concert, batch).header("Idempotency-Key", key)).await
    }

    fn opening(&self, concert: &str, batch: u32) -> RequestBuilder {
        let path = format!("/v2/reservation/open/{concert}?batchSize={batch}");
        self.request(Method::POST, &path, &admin())
    }

    /// Waits until a member is READY.
    pub async fn is_ready(&self, concert: &str, who: &str) {
        eventually(SOON, "the member is READY", async || {
            self.standing(concert, who).await["status"] == "READY"
        })
        .await;
    }

    /// Opens a batch for the member at the front, and returns the booking token.
    ///
    /// # Panics
    /// If the member does not get one.
    pub async fn admit(&self, concert: &str, who: &str) -> String {
        self.open(concert, 1).await.data(200);
        self.is_ready(concert, who).await;
        let issued = self.token(concert, who).await;
        let token = issued.data(200)["token"].as_str();
        token.expect("a token").to_owned()
    }

    /// Creates a concert, titled like its id unless the fields say otherwise.
    ///
    /// # Panics
    /// If the request is refused.
    pub async fn create(&self, concert: &str, fields: Value) -> Value {
        self.try_create(concert, fields).await.data(201).clone()
    }

    /// Requests a concert like [`Api::create`], and returns the answer.
    pub async fn try_create(&self, concert: &str, mut fields: Value) -> Answer {
        fields["concertId"] = concert.into();
        if fields.get("title").is_none() {
            fields["title"] = concert.into();
        }
        let path = "/v2/admin/concerts";
        self.post_json(path, &admin(), &fields).await
    }

    /// Creates a concert whose line moves only when a batch is opened.
    ///
    /// # Panics
    /// If the request is refused.
    pub async fn create_by_hand(&self, concert: &str) {
        self.create(concert, json!({"autoOpen": false})).await;
    }

    /// Changes a concert at a known version.
    pub async fn patch(&self, concert: &str, version: u64, fields: &Value) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}");
        let request = self.request(Method::PATCH, &path, &admin()).json(fields);
        send(request.header("If-Match", format!("\"{version}\""))).await
    }

    /// Acts on a concert as an admin: `pause`, `resume`, `close`, `clear`.
    pub async fn act(&self, concert: &str, act: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/{act}");
        self.post(&path, &admin()).await
    }

    /// Requests a member's standing as an admin, without counting as the member's activity.
    pub async fn look_up(&self, concert: &str, who: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/members/{who}");
        self.get(&path, &admin()).await
    }

    /// Removes a member as an admin.
    pub async fn remove(&self, concert: &str, who: &str) -> Answer {
        let path = format!("/v2/admin/concerts/{concert}/members/{who}");
        self.delete(&path, &admin()).await
    }

    /// Requests the line in numbers.
    pub async fn ask_line(&self, concert: &str) -> Answer {
        let path = format!("/v2/waiting-room/admin/{concert}");
        self.get(&path, ADMIN_TOKEN).await
    }

    /// Returns the line in numbers.
    ///
    /// # Panics
    /// If the answer is not 200, or if the numbers do not add up.
    pub async fn line(&self, concert: &str) -> Line {
        Line::read(self.ask_line(concert).await.data(200))
    }

    /// Returns everybody in line, from the front.
    ///
    /// # Panics
    /// Where [`Api::line`] does.
    pub async fn members(&self, concert: &str) -> Vec<InLine> {
        let (mut all, mut query) = (Vec::new(), "limit=1000".to_owned());
        loop {
            let path = format!("/v2/waiting-room/admin/{concert}?{query}");
            let page = Line::read(self.get(&path, &admin()).await.data(200));
            all.extend(page.members());
            let Some(cursor) = page.next_cursor() else {
                return all;
            };
            query = format!("limit=1000&cursor={cursor}");
        }
    }
}
