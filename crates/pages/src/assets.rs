//! Styles, scripts and pictures.

use std::{fmt::Write, sync::LazyLock};

use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;
use tower_http::compression::CompressionLayer;

#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

/// The beginning of the hash of all files. It is part of their addresses, so that a browser keeps them
/// for ever and never mixes two releases.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Context::new(&SHA256);
    for name in Files::iter() {
        hash.update(name.as_bytes());
        let file = Files::get(&name);
        hash.update(&file.map(|file| file.data).unwrap_or_default());
    }
    hash.finish().as_ref()[..6]
        .iter()
        .fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
});

/// Returns the routes of all files, `{prefix}/{version}/{file}`, compressed where the browser can.
///
/// `prefix` is the one that the page's [`Page`](crate::Page) has. A file of another release is sent as
/// it is here, but not to be kept.
pub fn assets<S: Clone + Send + Sync + 'static>(prefix: &str) -> Router<S> {
    compressed(Router::new().route(&format!("{prefix}/{{version}}/{{file}}"), get(file)))
}

/// Compresses the answers of these routes where the browser can read that.
pub fn compressed<S: Clone + Send + Sync + 'static>(pages: Router<S>) -> Router<S> {
    pages.layer(CompressionLayer::new())
}

/// Returns the route of one script at an address that stays the same over releases, for pages of others.
pub fn script<S: Clone + Send + Sync + 'static>(path: &str, name: &'static str) -> Router<S> {
    let headers = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let answer = move || async move {
        let file = Files::get(name).ok_or(StatusCode::NOT_FOUND);
        file.map(|file| (headers, file.data))
    };
    compressed(Router::new().route(path, get(answer)))
}

async fn file(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(file) = Files::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // From the disk, a file may change.
    let lasts = version == *VERSION && !cfg!(debug_assertions);
    let cache = match lasts {
        true => "public, max-age=31536000, immutable",
        false => "no-store",
    };
    let headers = [
        (header::CONTENT_TYPE, content_type(&name)),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    match without_comments(&file.data) {
        Some(script) => (headers, script).into_response(),
        None => (headers, file.data).into_response(),
    }
}

/// Leaves out the comments on lines of their own: on a phone's network they weigh as much as the code. The lines stay
/// where they are. `None` for what is not one of our own scripts.
fn without_comments(file: &[u8]) -> Option<String> {
    let script = str::from_utf8(file).ok()?;
    let mut is_inside = false;
    let mut is_code = |line: &str| {
        let text = line.trim();
        let ends = text.ends_with("*/");
        // Code may follow a cast of its type.
        is_inside |= text.starts_with("/*") && (ends || !text.contains("*/"));
        let is_comment = is_inside || text.starts_with("//");
        is_inside &= !ends;
        !is_comment
    };
    let is_own = script.starts_with("// @ts-check");
    let mut sent = String::with_capacity(script.len());
    for line in script.lines().filter(|_| is_own) {
        if is_code(line) {
            sent.push_str(line);
        }
        sent.push('\n');
    }
    is_own.then_some(sent)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_on_lines_of_their_own_are_left_out() {
        let script = "// @ts-check\n/** One. */\nlet a = 'x'; // b\n  /**\n   * @type {A}\n   */\n  /** @type {B} */ (a).b();\n";
        let sent = "\n\nlet a = 'x'; // b\n\n\n\n  /** @type {B} */ (a).b();\n";
        assert_eq!(without_comments(script.as_bytes()).as_deref(), Some(sent));
        assert_eq!(without_comments(b"/*! Theirs. */\nlet a;\n"), None);
    }
}
