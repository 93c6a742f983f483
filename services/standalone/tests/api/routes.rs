//! Every operation of the OpenAPI document, called by every kind of caller.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sunbeon_test_support::{
    Answer,
    access::{ADMIN_TOKEN, ORIGIN_TOKEN, admin, member},
    eventually, send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    every_route_lets_in_only_its_audience,
    an_admitted_member_is_let_in_by_a_valid_booking_token,
);

/// The longest that any test waits.
const SOON: Duration = Duration::from_secs(60);

/// The audience of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum For {
    Anyone,
    Members,
    /// Members with a booking token.
    Admitted,
    /// Shops' back ends, and admins.
    Origins,
    Admins,
}

/// A route that is missing here, or has another audience, fails the test.
const ROUTES: [(&str, &str, For); 53] = [
    ("GET", "/.well-known/jwks.json", For::Anyone),
    ("GET", "/v2/concerts", For::Anyone),
    ("POST", "/v2/waiting-room/guest", For::Anyone),
    ("GET", "/v2/reservation/verify", For::Admitted),
    ("GET", "/v2/concerts/{concertId}", For::Admitted),
    ("GET", "/v2/concerts/{concertId}/tickets", For::Admitted),
    ("GET", "/v2/concerts/{concertId}/seats", For::Admitted),
    ("GET", "/v2/concerts/{concertId}/seats/mine", For::Members),
    ("POST", "/v2/seats/lock", For::Admitted),
    ("DELETE", "/v2/seats/lock", For::Admitted),
    ("POST", "/v2/bookings", For::Admitted),
    ("POST", "/v2/bookings/{bookingId}/confirm", For::Admitted),
    ("GET", "/v2/bookings", For::Members),
    ("GET", "/v2/bookings/{bookingId}", For::Members),
    ("DELETE", "/v2/bookings/{bookingId}", For::Members),
    ("PUT", "/v2/stock/{concertId}", For::Admins),
    ("GET", "/v2/stock/{concertId}", For::Admins),
    ("DELETE", "/v2/stock/{concertId}", For::Admins),
    ("POST", "/v2/stock/{concertId}/reset", For::Admins),
    ("GET", "/v2/stock/{concertId}/bookings", For::Admins),
    ("GET", "/v2/stock/{concertId}/bookings.csv", For::Admins),
    ("GET", "/v2/stock/{concertId}/bookings.jsonl", For::Admins),
    ("GET", "/v2/reservation/revoked/{concertId}", For::Origins),
    (
        "POST",
        "/v2/reservation/sessions/{concertId}/complete",
        For::Origins,
    ),
    (
        "POST",
        "/v2/reservation/sessions/{concertId}/extend",
        For::Origins,
    ),
    ("PUT", "/v2/reservation/stock/{concertId}", For::Origins),
    ("GET", "/v2/waiting-room/snapshot/{concertId}", For::Anyone),
    ("POST", "/v2/waiting-room/enter", For::Members),
    ("GET", "/v2/waiting-room/status/{concertId}", For::Members),
    ("POST", "/v2/waiting-room/exit/{concertId}", For::Members),
    ("GET", "/v2/reservation/token/{concertId}", For::Members),
    (
        "POST",
        "/v2/reservation/complete/{concertId}",
        For::Admitted,
    ),
    ("GET", "/v2/waiting-room/admin", For::Admins),
    ("GET", "/v2/waiting-room/admin/{concertId}", For::Admins),
    ("POST", "/v2/waiting-room/cleanup", For::Admins),
    ("POST", "/v2/reservation/open/{concertId}", For::Admins),
    ("GET", "/v2/admin/audit", For::Admins),
    ("GET", "/v2/admin/audit.csv", For::Admins),
    ("GET", "/v2/admin/audit.jsonl", For::Admins),
    ("GET", "/v2/admin/dead-letters", For::Admins),
    ("POST", "/v2/admin/dead-letters/repeat", For::Admins),
    ("DELETE", "/v2/admin/dead-letters", For::Admins),
    ("GET", "/v2/admin/concerts", For::Origins),
    ("POST", "/v2/admin/concerts", For::Admins),
    ("GET", "/v2/admin/concerts/{concertId}", For::Origins),
    ("PATCH", "/v2/admin/concerts/{concertId}", For::Admins),
    ("DELETE", "/v2/admin/concerts/{concertId}", For::Admins),
    ("POST", "/v2/admin/concerts/{concertId}/pause", For::Admins),
    ("POST", "/v2/admin/concerts/{concertId}/resume", For::Admins),
    ("POST", "/v2/admin/concerts/{concertId}/close", For::Admins),
    ("POST", "/v2/admin/concerts/{concertId}/clear", For::Admins),
    (
        "GET",
        "/v2/admin/concerts/{concertId}/members/{memberId}",
        For::Admins,
    ),
    (
        "DELETE",
        "/v2/admin/concerts/{concertId}/members/{memberId}",
        For::Admins,
    ),
];

/// Returns the operations of the document, and whether each needs an access token.
async fn documented(app: &App) -> Vec<(String, String, bool)> {
    let document = app.get("/openapi.json", "").await.body;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation.get("responses").is_none() {
                continue;
            }
            let secured = operation.get("security").is_some();
            operations.push((method.to_uppercase(), path.clone(), secured));
        }
    }
    operations
}

/// Builds a request about things that do not exist, so that it has no effect.
fn request(app: &App, method: &str, path: &str, token: &str) -> RequestBuilder {
    let path = path
        .replace("{concertId}", "nowhere")
        .replace("{memberId}", "nobody")
        .replace("{bookingId}", "none");
    let method: Method = method.parse().expect("a method");
    app.request(method, &path, token)
}

/// Calls a route while everything it could need is up.
async fn call(app: &App, method: &str, path: &str, token: &str) -> Answer {
    let answer = send(request(app, method, path, token)).await;
    assert!(answer.status < 500, "{method} {path}: {}", answer.text);
    answer
}

/// Returns the code of an answer that refuses the caller.
fn refusal(answer: &Answer) -> Option<&str> {
    let refused = ["UNAUTHENTICATED", "FORBIDDEN", "QUEUE_TOKEN_REQUIRED"];
    answer.body["code"]
        .as_str()
        .filter(|code| refused.contains(code))
}

#[tokio::test]
async fn the_document_has_exactly_the_routes_of_the_table_with_their_audience() {
    let app = App::embedded().await;
    let documented: BTreeSet<_> = documented(&app).await.into_iter().collect();
    let expected: BTreeSet<_> = ROUTES
        .into_iter()
        .map(|(method, path, whom)| (method.to_owned(), path.to_owned(), whom != For::Anyone))
        .collect();
    let unknown: Vec<_> = documented.difference(&expected).collect();
    assert!(
        unknown.is_empty(),
        "routes that the table does not know: {unknown:?}"
    );
    let missing: Vec<_> = expected.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "routes that the document does not have: {missing:?}"
    );
}

/// Waits until the shop's gate has the keys.
async fn the_gate_sees(app: &App) {
    eventually(SOON, "the gate sees", async || {
        let path = "/v2/concerts/nowhere";
        app.get(path, &member("a")).await.status != 503
    })
    .await;
}

async fn every_route_lets_in_only_its_audience(app: App) {
    the_gate_sees(&app).await;
    for (method, path, whom) in ROUTES {
        let nobody = call(&app, method, path, "").await;
        let fan = call(&app, method, path, &member("a")).await;
        let operator = call(&app, method, path, &admin()).await;
        let script = call(&app, method, path, ADMIN_TOKEN).await;
        let shop = call(&app, method, path, ORIGIN_TOKEN).await;
        let forged = call(&app, method, path, "forged").await;
        let codes = [&nobody, &forged, &fan, &operator, &script, &shop];
        let codes = codes.map(|answer| refusal(answer).unwrap_or("in"));
        let (stranger, refused) = ("UNAUTHENTICATED", "FORBIDDEN");
        let queue = "QUEUE_TOKEN_REQUIRED";
        let expected = match whom {
            For::Anyone => ["in"; 6],
            For::Members => [stranger, stranger, "in", "in", refused, refused],
            For::Admitted => [stranger, stranger, queue, queue, refused, refused],
            For::Origins => [stranger, stranger, refused, "in", "in", "in"],
            For::Admins => [stranger, stranger, refused, "in", "in", refused],
        };
        assert_eq!(codes, expected, "{method} {path}");
    }
}

async fn an_admitted_member_is_let_in_by_a_valid_booking_token(app: App) {
    the_gate_sees(&app).await;
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
    let booking_token = app.admit("c", "a").await;
    // The last route in the table ends the session.
    for (method, path, _) in ROUTES
        .into_iter()
        .filter(|(.., whom)| *whom == For::Admitted)
    {
        // If the path does not name a concert, the query does.
        let path = match path.contains("{concertId}") {
            true => path.replace("{concertId}", "c"),
            false => format!("{path}?concertId=c"),
        };
        let request = request(&app, method, &path, &member("a"));
        let answer = send(request.header("X-Queue-Token", &booking_token)).await;
        assert!(answer.status < 500, "{method} {path}: {}", answer.text);
        assert_eq!(refusal(&answer), None, "{method} {path}");
    }
    assert_eq!(app.standing("c", "a").await["status"], "NOT_IN_QUEUE");
}

#[tokio::test]
async fn every_route_is_limited_by_address() {
    let limits = [
        ("SUNBEON__LIMITS__ADDRESS_PER_SECOND", "1".to_owned()),
        ("SUNBEON__LIMITS__MAIN_PAGE_PER_SECOND", "1".to_owned()),
        ("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
    ];
    let app = &App::start(&["--fans", "0"], &limits).await;
    // From another address for each route, and without a token.
    let limited = async |(number, (method, path, _))| {
        let from = format!("203.0.113.{number}");
        let ask = || send(request(app, method, path, "").header("X-Forwarded-For", &from));
        let refused = match path {
            // A proxy does not understand 429.
            "/v2/reservation/verify" => "FORBIDDEN",
            _ => "TOO_MANY_REQUESTS",
        };
        eventually(SOON, &format!("{method} {path}: {refused}"), async || {
            let answers = join_all([ask(), ask(), ask()]).await;
            answers.iter().any(|answer| answer.body["code"] == refused)
        })
        .await;
    };
    join_all(ROUTES.into_iter().enumerate().map(limited)).await;
    let unlimited = ["/live", "/ready"];
    let answers = (0..20).flat_map(|_| unlimited).map(|path| {
        let request = app.request(Method::GET, path, "");
        send(request.header("X-Forwarded-For", "203.0.113.254"))
    });
    for answer in join_all(answers).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_preflight_request_needs_no_token() {
    let origin = "https://tickets.example";
    let origins = ("SUNBEON__HTTP__CORS_ORIGINS", origin.to_owned());
    let app = App::start(&["--fans", "0"], &[origins]).await;
    for (method, path, _) in ROUTES {
        let answer = request(&app, "OPTIONS", path, "")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", method)
            .header(
                "Access-Control-Request-Headers",
                "authorization,x-queue-token",
            );
        let answer = send(answer).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, origin, "{method} {path}");
    }
}

#[tokio::test]
async fn undocumented_routes_are_not_served() {
    let app = App::embedded().await;
    let documented = documented(&app).await;
    let paths: BTreeSet<_> = documented
        .iter()
        .map(|(_, path, _)| path.as_str())
        .collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if documented
                .iter()
                .any(|(known, at, _)| known == method && at == path)
            {
                continue;
            }
            let answer = call(&app, method, path, &admin()).await;
            assert_eq!(answer.body["code"], "METHOD_NOT_ALLOWED", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_describes_failures_and_how_to_authenticate() {
    let app = App::embedded().await;
    let document = app.get("/openapi.json", "").await.body;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    for whom in ["member", "admin", "origin"] {
        let scheme = &document["components"]["securitySchemes"][whom];
        assert_eq!(
            (&scheme["type"], &scheme["scheme"]),
            (&json!("http"), &json!("bearer"))
        );
    }
    for (method, path, _) in documented(&app).await {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let words = ["summary", "operationId", "tags"];
        assert!(
            words.iter().all(|word| !operation[word].is_null()),
            "{method} {path}"
        );
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for name in ["concertId", "memberId", "bookingId"] {
            let named = |parameter: &Value| parameter["name"] == name && parameter["in"] == "path";
            let in_path = path.contains(&format!("{{{name}}}"));
            assert_eq!(
                parameters.iter().any(named),
                in_path,
                "{method} {path}: {name}"
            );
        }
    }
    unresolved(&document, &document);
}

/// Returns the properties of a schema, including those of its parts.
fn properties(schema: &Value, document: &Value) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let target = document.pointer(target.trim_start_matches('#'));
        return properties(target.expect("a schema"), document);
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    let own = own.map(|(name, _)| name.clone());
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| properties(part, document)))
        .collect()
}

#[tokio::test]
async fn every_documented_property_of_a_request_is_accepted() {
    let app = App::embedded().await;
    let document = app.get("/openapi.json", "").await.body;
    app.create("c", json!({})).await;
    for (method, path, count) in [
        ("post", "/v2/waiting-room/enter", 1),
        ("post", "/v2/waiting-room/guest", 1),
        ("put", "/v2/stock/{concertId}", 3),
        ("post", "/v2/reservation/sessions/{concertId}/complete", 2),
        ("post", "/v2/reservation/sessions/{concertId}/extend", 2),
        ("put", "/v2/reservation/stock/{concertId}", 2),
        ("post", "/v2/admin/concerts", 24),
        ("patch", "/v2/admin/concerts/{concertId}", 23),
    ] {
        let body = &document["paths"][path][method]["requestBody"];
        let schema = &body["content"]["application/json"]["schema"];
        let names = properties(schema, &document);
        assert_eq!(names.len(), count, "{method} {path}: {names:?}");
        for name in names {
            let method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{concertId}", "c");
            let fields = json!({"concertId": "d", "title": "d", (name.as_str()): []});
            let mut fields = fields.as_object().expect("an object").clone();
            if !path.ends_with("concerts") {
                fields.retain(|field, _| *field == name);
            }
            let request = app.request(method, &path, &admin()).json(&fields);
            let refused = send(request.header("If-Match", "\"1\"")).await;
            assert_eq!(refused.status, 400, "{path}: {name}");
            assert!(!refused.text.contains("unknownField"), "{path}: {name}");
        }
    }
}

/// Expects every `$ref` to resolve.
fn unresolved(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let found = document.pointer(target.trim_start_matches('#'));
                assert!(found.is_some(), "{target} leads nowhere");
            }
            fields
                .values()
                .for_each(|field| unresolved(field, document));
        }
        Value::Array(items) => items.iter().for_each(|item| unresolved(item, document)),
        _ => {}
    }
}
