use std::collections::BTreeMap;

use parking_lot::Mutex;
use reqwest::{
    Client, RequestBuilder,
    header::{self, HeaderMap},
    redirect::Policy,
};

use super::ANSWER_LIMIT;

/// A browser without a script: it keeps cookies and sends forms. It shows every redirect instead of
/// following it. Every method panics without a complete answer.
pub struct Browser {
    http: Client,
    url: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What a browser got.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub html: String,
}

impl Browser {
    /// Opens a browser on the site at this address, `http://` with host and port.
    ///
    /// # Panics
    /// If the HTTP client cannot be created.
    pub fn at(url: &str) -> Self {
        let http = Client::builder()
            .timeout(ANSWER_LIMIT)
            .redirect(Policy::none())
            .no_proxy()
            .build();
        Self {
            http: http.expect("could not create an HTTP client"),
            url: url.to_owned(),
            cookies: Mutex::default(),
        }
    }

    /// Keeps a cookie, as if the site had set it.
    pub fn keep(&self, name: &str, value: &str) {
        self.cookies
            .lock()
            .insert(name.to_owned(), value.to_owned());
    }

    /// Returns a cookie that the site has set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().get(name).cloned()
    }

    /// Opens a page: a path, or an address on the site.
    pub async fn open(&self, page: &str) -> Seen {
        let request = self.http.get(self.address(page));
        let request = request.header("Accept", "text/html,*/*;q=0.8");
        self.send(request.header("Sec-Fetch-Site", "none")).await
    }

    /// Sends a form of a page of the site itself.
    pub async fn submit(&self, action: &str, body: &str) -> Seen {
        self.submit_from("same-origin", action, body).await
    }

    /// Sends a form of a page of another site, as `Sec-Fetch-Site` calls it.
    pub async fn submit_from(&self, site: &str, action: &str, body: &str) -> Seen {
        let kind = "application/x-www-form-urlencoded";
        let request = self.http.post(self.address(action));
        let request = request.header(header::CONTENT_TYPE, kind);
        let request = request.header("Sec-Fetch-Site", site.to_owned());
        self.send(request.body(body.to_owned())).await
    }

    fn address(&self, page: &str) -> String {
        match page.strip_prefix('/') {
            Some(_) => format!("{}{page}", self.url),
            None => page.to_owned(),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Seen {
        let pairs = self.cookies.lock().clone();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header(header::COOKIE, pairs.join("; "));
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for set in headers.get_all(header::SET_COOKIE) {
            let pair = set.to_str().expect("visible ASCII").split(';').next();
            let (name, value) = pair.and_then(|pair| pair.split_once('=')).expect("a pair");
            self.keep(name, value);
        }
        let html = response.text().await.expect("a body");
        // A slash need not be escaped, and the templates do it.
        let html = html.replace("&#x2f;", "/");
        Seen {
            status,
            headers,
            html,
        }
    }
}

impl Seen {
    /// Returns a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Returns where the browser is sent.
    ///
    /// # Panics
    /// If it is not sent anywhere.
    #[track_caller]
    pub fn sent_to(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.html);
        self.header("location")
    }

    /// Returns the state that the waiting page shows.
    ///
    /// # Panics
    /// If it is no waiting page.
    #[track_caller]
    pub fn state(&self) -> &str {
        let after = self.html.split_once("data-state=\"");
        let (_, after) = after.unwrap_or_else(|| panic!("{} {}", self.status, self.html));
        after.split('"').next().unwrap_or_default()
    }

    /// Returns the form by which a visitor leaves whatever the waiting page shows: their entry.
    ///
    /// # Panics
    /// If it shows none.
    #[track_caller]
    pub fn leaving(&self) -> String {
        let after = self.html.split_once("id=\"entry\" value=\"");
        let (_, after) = after.unwrap_or_else(|| panic!("{} {}", self.status, self.html));
        format!("entry={}", after.split('"').next().unwrap_or_default())
    }
}
