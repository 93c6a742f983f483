//! Refusing unknown query fields: a misspelt field would silently have no effect.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sunbeon_domain::Code;

use super::openapi::operations;
use crate::{ApiError, QueryPairs};

/// The query fields of every route, as listed in its OpenAPI document.
#[derive(Clone, Default)]
pub(super) struct KnownFields(Arc<HashMap<(String, String), HashSet<String>>>);

impl KnownFields {
    /// Reads a completed document. An operation that never answers 400 accepts any query.
    pub(super) fn of(document: &Value) -> Self {
        let strict = operations(document).filter(|(.., it)| it["responses"].get("400").is_some());
        let known = strict.map(|(path, method, operation)| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let fields = parameters.filter(|parameter| parameter["in"] == "query");
            let names = fields.filter_map(|field| field["name"].as_str().map(str::to_owned));
            ((path.to_owned(), method.to_uppercase()), names.collect())
        });
        Self(Arc::new(known.collect()))
    }

    /// Returns the answer 400 `INVALID_QUERY`, naming the field in `data.unknownField`.
    pub(super) fn refused(&self, request: &Request) -> Option<Response> {
        let name = self.unknown(request)?;
        let refused = ApiError::new(Code::InvalidQuery);
        let refused = refused.with_data(json!({ "unknownField": name }));
        Some(refused.into_response())
    }

    /// Returns the first field of a request that its route does not know.
    fn unknown(&self, request: &Request) -> Option<String> {
        let raw = request.uri().query().filter(|query| !query.is_empty())?;
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let method = match *request.method() {
            Method::HEAD => Method::GET,
            ref method => method.clone(),
        };
        let known = self.0.get(&(path.to_owned(), method.to_string()))?;
        let query = QueryPairs::parse(raw);
        let mut names = query.iter().map(|(name, _)| name);
        names.find(|name| !known.contains(*name)).map(str::to_owned)
    }
}
