//! The OpenAPI document and its page.
//!
//! Routes describe only their own part: a summary, an `operationId`, parameters, bodies, their
//! success and, in the extension [`FAILS`], the failures that follow from what they do. The rest is
//! derived and added here.

mod examples;
mod failures;
mod page;

use std::future::ready;

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::get,
};
use serde_json::{Map, Value, json};
use sunbeon_domain::{ConcertId, MemberId};
use utoipa::{PartialSchema, openapi::OpenApi};

use crate::Failure;

/// The extension that lists a route's own failures: codes, or `{"CODE": data}` with an example of
/// the failure's `data` or the name of its schema.
const FAILS: &str = "x-fails";
/// The same, for a route that cannot fail in any other way.
const FAILS_ONLY: &str = "x-fails-only";

/// What the page may load: files of this server, and nothing inline except images.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The groups of routes, in reading order.
const TAGS: [(&str, &str); 7] = [
    (
        "waiting room",
        "Members and guests enter a line, watch their place and leave.",
    ),
    (
        "booking token",
        "Members whose turn has come fetch the booking token that lets them into the shop.",
    ),
    (
        "shop",
        "The shop behind the waiting room: seats, tickets, bookings and payments.",
    ),
    (
        "operators",
        "Operators set up concerts, run lines and sales, and look into them.",
    ),
    (
        "gates",
        "Gates and proxies in front of a shop check booking tokens.",
    ),
    (
        "shop back ends",
        "A shop's back end ends or extends the sessions of its customers.",
    ),
    (
        "development",
        "Access tokens for trying things out; only in the standalone on a loopback address.",
    ),
];

/// Serves `/openapi.json` and `/docs`, which loads nothing from elsewhere.
pub(super) fn router(document: Value) -> Router {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let text = Bytes::from(document.to_string());
    Router::new()
        .route("/openapi.json", get(move || ready((json, text.clone()))))
        .merge(page::router())
        .layer(map_response(dressed))
}

async fn dressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Completes a document with what all services share: contact, security schemes, failures and
/// examples. Fails if a route lists a code that does not exist.
///
/// [`finish`](super::finish) serves the document; building it needs only a service's routes.
pub fn document(api: &OpenApi, name: &str) -> anyhow::Result<Value> {
    let mut document = serde_json::to_value(api).context("the document is not JSON")?;
    document["info"] = info(name);
    document["servers"] = json!([{ "url": "/", "description": "The server of this document." }]);
    let components = &mut document["components"];
    components["schemas"]["Failure"] = serde_json::to_value(Failure::schema())?;
    // utoipa does not add the schemas of path parameters.
    components["schemas"]["ConcertId"] = serde_json::to_value(ConcertId::schema())?;
    components["schemas"]["MemberId"] = serde_json::to_value(MemberId::schema())?;
    components["securitySchemes"] = security_schemes();
    components["headers"] = headers();
    let changes = take_changes(&mut document);
    left_out_is_not_null(&mut document["components"]["schemas"]);
    left_out_is_not_null(&mut document["paths"]);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(changes);
    }
    let schemas = document["components"]["schemas"].clone();
    for (path, method, operation) in operations_mut(&mut document) {
        refuse_empty_fields(operation);
        failures::describe(operation, &schemas).with_context(|| format!("{method} {path}"))?;
        examples::add(operation, &schemas);
        unmark(operation);
        name_request_id(operation);
    }
    document["tags"] = used_tags(&document);
    Ok(document)
}

fn info(name: &str) -> Value {
    let title = match name {
        "sunbeon" => "Sunbeon".to_owned(),
        service => format!("Sunbeon {service}"),
    };
    json!({
        "title": title,
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "A virtual waiting room for ticket sales.",
        "description": "Fans enter a line, watch their place and, when their turn comes, fetch a booking \
            token that lets them into the shop. A success is `{message, data, status}`, a failure \
            `{message, code, status, data}`; `code` is stable and `message` is for people, in Korean or \
            English (`Accept-Language`). Fields that do not apply are left out, never null.",
        "contact": { "name": "The Sunbeon maintainers" },
        // With an identifier, the page would link to a list that has no such expression.
        "license": { "name": "MIT OR Apache-2.0" },
    })
}

fn security_schemes() -> Value {
    let bearer = |description: &str| json!({ "type": "http", "scheme": "bearer", "description": description });
    json!({
        "member": bearer("A member's access token, a JWT that your login signs, or a guest's token."),
        "admin": bearer("An access token with the admin role, or the static admin token."),
        "origin": bearer("The static token of a shop's back end (`auth.origin_token`)."),
    })
}

fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "RequestId": text("The id of the request: its own `X-Request-Id`, or a new one."),
        "RetryAfter": {
            "description": "Seconds to wait before trying again.",
            "schema": { "type": "integer", "minimum": 1 },
        },
        "WwwAuthenticate": text("`Bearer`: send an access token in `Authorization`."),
    })
}

/// Optional fields are left out where they do not apply; only schemas that say so accept null.
fn left_out_is_not_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields
                .get("default")
                .is_some_and(|it| it.is_null() || it == "")
            {
                fields.remove("default");
            }
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("oneOf") {
                choices.retain(|one| one["type"] != "null");
                if let [Value::Object(only)] = &choices[..] {
                    let only = only.clone();
                    fields.remove("oneOf");
                    fields.extend(only);
                }
            }
            fields.values_mut().for_each(left_out_is_not_null);
        }
        Value::Array(all) => all.iter_mut().for_each(left_out_is_not_null),
        _ => {}
    }
}

/// Takes out the bodies of PATCH. Any of their fields may also be null, which restores the default.
fn take_changes(document: &mut Value) -> Map<String, Value> {
    let names: Vec<_> = operations_mut(document)
        .filter(|(_, method, _)| *method == "patch")
        .filter_map(|(_, _, operation)| {
            let target = operation.pointer("/requestBody/content/application~1json/schema/$ref");
            Some(target?.as_str()?.rsplit('/').next()?.to_owned())
        })
        .collect();
    let mut changes = Map::new();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        changes.extend(
            names
                .into_iter()
                .filter_map(|name| schemas.remove_entry(&name)),
        );
    }
    changes
}

/// Says of each query field that is any text that it is refused if it is empty.
fn refuse_empty_fields(operation: &mut Value) {
    if operation.get(FAILS_ONLY).is_some() {
        return;
    }
    let parameters = operation.get_mut("parameters");
    let fields = parameters.and_then(Value::as_array_mut);
    for field in fields
        .into_iter()
        .flatten()
        .filter(|field| field["in"] == "query")
    {
        let schema = &mut field["schema"];
        if schema["type"] == "string" && schema.get("format").is_none() {
            schema["minLength"] = json!(1);
        }
    }
}

/// Makes a summary, which is shown as it is, one line of plain text.
fn unmark(operation: &mut Value) {
    if let Some(Value::String(summary)) = operation.get_mut("summary") {
        *summary = summary.replace('`', "").replace('\n', " ");
    }
}

fn name_request_id(operation: &mut Value) {
    let responses = operation["responses"].as_object_mut().into_iter().flatten();
    for (_, response) in responses {
        response["headers"]["X-Request-Id"] = header_of("RequestId");
    }
}

fn header_of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn used_tags(document: &Value) -> Value {
    let is_used = |tag: &str| {
        let mut all =
            operations(document).filter_map(|(.., operation)| operation["tags"].as_array());
        all.any(|tags| tags.iter().any(|one| one == tag))
    };
    let tags = TAGS.iter().filter(|(name, _)| is_used(name));
    let used = tags.map(|(name, description)| json!({ "name": name, "description": description }));
    used.collect()
}

/// Returns the schema that a `$ref` names, or the schema itself.
fn resolved<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    let name = schema["$ref"]
        .as_str()
        .and_then(|text| text.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Iterates over path, method and operation.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        let operations = methods.filter(|(method, _)| METHODS.contains(&method.as_str()));
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = (&str, &str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flat_map(Map::iter_mut);
        let operations = methods.filter(|(method, _)| METHODS.contains(&method.as_str()));
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}
