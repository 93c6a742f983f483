//! The page of the OpenAPI document: Swagger UI, in a page of our own.

use std::{future::ready, sync::Arc};

use axum::{
    Router,
    extract::Path,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use sunbeon_domain::Code;
use utoipa_swagger_ui::Config;

use crate::{ApiError, ApiResult};

/// The files of Swagger UI that the page loads; the rest of it is another page.
const VENDORED: [&str; 3] = [
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
];

/// Serves `/docs/` and the files that it loads.
pub(super) fn router() -> Router {
    let own = |kind: &'static str, text: &'static str| {
        get(move || ready(([(header::CONTENT_TYPE, kind)], text)))
    };
    let html = own("text/html; charset=utf-8", include_str!("page/index.html"));
    let css = own("text/css; charset=utf-8", include_str!("page/page.css"));
    let js = own(
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    );
    Router::new()
        .route("/docs", get(|| ready(Redirect::to("/docs/"))))
        .route("/docs/", html)
        .route("/docs/page.css", css)
        .route("/docs/page.js", js)
        .route("/docs/{file}", get(vendored))
}

/// Serves a file of Swagger UI, which is compiled in.
async fn vendored(Path(name): Path<String>) -> ApiResult<Response> {
    let known = VENDORED.contains(&name.as_str());
    let config = || Arc::new(Config::from("/openapi.json"));
    let found = known.then(|| utoipa_swagger_ui::serve(&name, config()).ok().flatten());
    let file = found.flatten().ok_or(ApiError::from(Code::NotFound))?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response())
}
