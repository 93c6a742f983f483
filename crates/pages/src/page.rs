//! Rendering a page.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value, context};
use rust_embed::RustEmbed;
use serde::Serialize;
use sunbeon_domain::Language;

use crate::{Chosen, assets::VERSION, language::tag};

/// What a page may load and where it may send: itself, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

#[derive(RustEmbed)]
#[folder = "html/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "text/"]
struct Texts;

/// A kind of page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The name of its template, `html/{name}.html`, and of its texts, `text/{name}.{ko,en}.json`.
    pub name: &'static str,
    /// The prefix at which its service has mounted [`assets`](crate::assets).
    pub assets: &'static str,
}

/// Renders a page in the visitor's language.
///
/// Besides `values`, which must be a map or a struct, its template knows `t` (its texts over those of
/// every page, `text/base.…`), `lang`, and `assets`, the address of the folder with its files. Nothing
/// that a template is given is markup.
pub fn show(page: Page, chosen: Chosen, status: StatusCode, values: impl Serialize) -> Response {
    let html = match render(page, chosen.language, Value::from_serialize(values)) {
        Ok(html) => html,
        // Only a fault of the template leads here, and a test renders them all.
        Err(error) => return broken(&error),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = (status, headers, Html(html)).into_response();
    if let Some(cookie) = chosen.cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Allows the forms of a page to lead to these hosts, too: browsers hold the policy against redirects as well.
pub fn submits_to(page: &mut Response, hosts: &[String]) {
    let policy = POLICY.replace(
        "form-action 'self'",
        &format!("form-action 'self' {}", hosts.join(" ")),
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

fn render(page: Page, language: Language, values: Value) -> Result<String, Error> {
    let lang = tag(language);
    let own = context! {
        t => texts(page.name, lang)?,
        lang,
        assets => format!("{}/{}", page.assets, *VERSION),
    };
    let name = format!("{}.html", page.name);
    let all = context! { ..own, ..values };
    if cfg!(debug_assertions) {
        return environment().get_template(&name)?.render(all);
    }
    ENVIRONMENT.get_template(&name)?.render(all)
}

/// The templates of a release; those of a debug build are read anew for each page.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_loader(|name| Ok(read::<Templates>(name)));
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    environment.add_filter("group", group);
    environment
}

/// Returns a page's texts, over those of every page.
fn texts(page: &str, lang: &str) -> Result<Value, Error> {
    let [base, own] = ["base", page].map(|name| {
        let name = format!("{name}.{lang}.json");
        let text = read::<Texts>(&name).unwrap_or_else(|| "{}".to_owned());
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, name).with_source(error))
    });
    let mut all = base?;
    all.extend(own?);
    Ok(Value::from_serialize(all))
}

fn read<Folder: RustEmbed>(name: &str) -> Option<String> {
    let file = Folder::get(name)?;
    match file.data {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(str::to_owned),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok(),
    }
}

/// Groups the digits of a whole number by thousands: 1,284.
fn group(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn broken(error: &Error) -> Response {
    tracing::error!(
        error = format!("{error:#}"),
        "could not render a page; answering 500"
    );
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_thousands() {
        let numbers = [0, 7, 999, 1_000, 1_284, 1_234_567, -1_000];
        let grouped = numbers.map(group);
        let expected = ["0", "7", "999", "1,000", "1,284", "1,234,567", "-1,000"];
        assert_eq!(grouped, expected);
    }

    /// Collects the paths of all texts.
    fn paths(texts: &serde_json::Value, at: &str, found: &mut Vec<String>) {
        match texts {
            serde_json::Value::Object(named) => {
                let each = named.iter();
                each.for_each(|(name, text)| paths(text, &format!("{at}.{name}"), found));
            }
            serde_json::Value::Array(list) => {
                let each = list.iter();
                each.for_each(|text| paths(text, &format!("{at}[]"), found));
            }
            _ => found.push(at.to_owned()),
        }
    }

    #[test]
    fn both_languages_of_a_page_have_the_same_texts() {
        let names =
            Texts::iter().filter_map(|name| Some(name.strip_suffix(".ko.json")?.to_owned()));
        for name in names {
            let keys = |lang| {
                let text = read::<Texts>(&format!("{name}.{lang}.json")).unwrap_or_default();
                let texts =
                    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}.{lang}.json"));
                let mut found = Vec::new();
                paths(&texts, "", &mut found);
                found.sort();
                found
            };
            assert_eq!(keys("ko"), keys("en"), "{name}");
        }
    }
}
