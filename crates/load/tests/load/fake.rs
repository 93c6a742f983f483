//! A waiting room behind one mutex, with an optional flaw.

mod line;
mod routes;
mod shop;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jsonwebtoken::{EncodingKey, Header};
use line::Line;
pub(crate) use line::{Flaw, Totals};
use serde::Serialize;
use serde_json::json;
pub(crate) use shop::Till;

/// The server; it ends with the test's runtime.
pub(crate) struct Fake {
    pub(crate) url: String,
    state: State,
}

#[derive(Clone)]
pub(crate) struct State {
    lines: Arc<Mutex<HashMap<String, Line>>>,
    till: Arc<Till>,
    flaw: Flaw,
}

impl State {
    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.lines.lock().unwrap()
    }
}

impl Fake {
    /// Serves on a free port and admits on schedule.
    pub(crate) async fn start(flaw: Flaw) -> Self {
        let state = State {
            lines: Arc::default(),
            till: Arc::default(),
            flaw,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = routes::router(state.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        tokio::spawn({
            let state = state.clone();
            async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(1000)).await;
                    state.lines().values_mut().for_each(|line| line.admit(flaw));
                }
            }
        });
        Self { url, state }
    }

    /// Creates a concert without the admin API.
    pub(crate) fn open(&self, concert: &str, group_size: usize) {
        self.state
            .lines()
            .insert(concert.to_owned(), Line::new(group_size));
    }

    /// Returns what was bought.
    pub(crate) fn till(&self) -> &Till {
        &self.state.till
    }

    /// Returns whether every concert was deleted.
    pub(crate) fn is_deleted(&self) -> bool {
        self.state.lines().is_empty()
    }

    /// Waits until the first concert's totals meet a condition.
    pub(crate) async fn until(&self, limit: Duration, done: impl Fn(&Totals) -> bool) -> bool {
        let wait = async {
            loop {
                if self.state.lines().values().any(|line| done(&line.totals)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}

/// Returns an access token signed as the driver signs it.
pub(crate) fn access_token(member: &str) -> String {
    sign(&json!({"sub": member, "name": member, "iat": 0, "exp": 4_000_000_000_u64}))
}

fn sign(claims: &impl Serialize) -> String {
    jsonwebtoken::encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(b"secret"),
    )
    .unwrap()
}
