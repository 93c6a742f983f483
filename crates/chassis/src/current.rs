//! The request that is being answered: what its answer and its log lines need to know of it.

use axum::{extract::MatchedPath, http::HeaderValue};
use sunbeon_domain::Language;
use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static CURRENT: Current;
}

/// Facts of one request.
pub(crate) struct Current {
    pub(crate) language: Language,
    pub(crate) id: HeaderValue,
    pub(crate) method: &'static str,
    /// The path that its route was registered with; `None` if no route fits.
    pub(crate) path: Option<MatchedPath>,
}

impl Current {
    /// Runs the rest of a request as the current one, which can be taken back from it.
    pub(crate) fn scope<F: Future>(self, rest: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, rest)
    }

    /// Returns something of the current request, or `None` outside of a request.
    pub(crate) fn get<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    /// Returns the path of the route as a label.
    pub(crate) fn route(&self) -> &str {
        route(self.path.as_ref())
    }
}

/// Returns a path as a label. Paths invented by clients do not create time series.
pub(crate) fn route(path: Option<&MatchedPath>) -> &str {
    path.map_or("other", MatchedPath::as_str)
}
