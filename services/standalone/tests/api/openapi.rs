//! The OpenAPI documents: complete for every route, and true of real answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Map, Value, json};
use sunbeon_test_support::{
    access::{ADMIN_TOKEN, admin, member},
    eventually,
};

use crate::{app::App, documents::document};

/// Long enough for anything pending, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// Returns the document of each service, and of the standalone.
async fn documents() -> Vec<(&'static str, Value)> {
    let each = ["waiting-room", "reservation-open", "token", "booking"];
    let mut all: Vec<_> = each.map(|name| (name, document(name))).into();
    let demo = App::demo_with(&[]).await;
    all.push(("standalone", demo.get("/openapi.json", "").await.body));
    all
}

/// Returns every operation of a document, with its name for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").iter();
            methods.map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
        })
        .collect()
}

fn has_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn every_operation_is_described_and_named_for_a_client() {
    for (name, document) in documents().await {
        let info = &document["info"];
        for field in ["title", "version", "description"] {
            assert!(has_text(&info[field]), "{name}: {field}");
        }
        assert!(has_text(&info["contact"]["name"]), "{name}");
        assert!(has_text(&info["license"]["name"]), "{name}");
        assert!(has_text(&document["servers"][0]["url"]), "{name}");
        let tags = document["tags"].as_array().expect("tags");
        assert!(
            tags.iter().all(|tag| has_text(&tag["description"])),
            "{name}"
        );
        let known: BTreeSet<_> = tags.iter().filter_map(|tag| tag["name"].as_str()).collect();
        let mut ids = BTreeSet::new();
        for (route, operation) in operations(&document) {
            let summary = operation["summary"].as_str().unwrap_or_default();
            let is_plain = !summary.is_empty() && !summary.contains(['`', '\n']);
            assert!(is_plain, "{route}: {summary}");
            let id = operation["operationId"].as_str().expect("an id");
            let camel = id.starts_with(|c: char| c.is_ascii_lowercase())
                && id.chars().all(|c| c.is_ascii_alphanumeric());
            assert!(camel && ids.insert(id), "{name}: {route} is {id}");
            let tagged = operation["tags"].as_array().expect("tags");
            let is_known = |tag: &Value| tag.as_str().is_some_and(|tag| known.contains(tag));
            assert!(tagged.len() == 1 && tagged.iter().all(is_known), "{route}");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters {
                assert!(has_text(&parameter["description"]), "{route}: {parameter}");
            }
        }
    }
}

#[tokio::test]
async fn every_response_has_a_description_a_body_and_an_example() {
    for (name, document) in documents().await {
        for (route, operation) in operations(&document) {
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{route}"
            );
            assert!(
                responses.keys().any(|status| status.starts_with('4')),
                "{route}"
            );
            for (status, response) in responses {
                let at = format!("{name}: {route} {status}");
                assert!(has_text(&response["description"]), "{at}");
                let headers = response["headers"].as_object().into_iter().flatten();
                for (header, it) in headers {
                    let described = has_text(&it["description"]) || it.get("$ref").is_some();
                    assert!(described, "{at}: {header}");
                }
                // A file has its own media type.
                let kinds = ["application~1json", "text~1csv", "application~1jsonl"];
                let of_kind = |kind| response["content"].pointer(&format!("/{kind}"));
                let content = kinds.into_iter().find_map(of_kind).unwrap_or(&NONE);
                match status.as_str() {
                    "204" | "304" => assert!(content.is_null(), "{at}"),
                    status if status.starts_with('2') => {
                        assert!(content.get("schema").is_some(), "{at}");
                        assert!(content.get("example").is_some(), "{at} has no example");
                    }
                    _ => {
                        let codes = &content["schema"]["allOf"][1]["properties"]["code"]["enum"];
                        let codes = codes.as_array().expect("codes");
                        let examples = content["examples"].as_object().expect("examples");
                        assert!(!codes.is_empty() && codes.len() == examples.len(), "{at}");
                    }
                }
                let waits = matches!(status.as_str(), "429" | "503");
                assert_eq!(
                    waits,
                    response["headers"].get("Retry-After").is_some(),
                    "{at}"
                );
            }
        }
    }
}

/// Panics at a broken `$ref`.
fn resolve_all(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                let found = document.pointer(target.trim_start_matches('#'));
                assert!(found.is_some(), "{target}");
            }
            fields
                .values()
                .for_each(|value| resolve_all(value, document));
        }
        Value::Array(all) => all.iter().for_each(|value| resolve_all(value, document)),
        _ => {}
    }
}

#[tokio::test]
async fn no_reference_of_a_document_is_broken() {
    for (_, document) in documents().await {
        resolve_all(&document, &document);
    }
}

/// Returns the names of the schemas used in an `allOf`.
fn parts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let all = fields.get("allOf").and_then(Value::as_array);
            let targets = all
                .into_iter()
                .flatten()
                .filter_map(|it| it["$ref"].as_str());
            found.extend(targets.filter_map(|it| it.rsplit('/').next().map(str::to_owned)));
            fields.values().for_each(|value| parts(value, found));
        }
        Value::Array(all) => all.iter().for_each(|value| parts(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn a_schema_that_is_part_of_another_allows_the_others_fields() {
    for (service, document) in documents().await {
        let mut found = BTreeSet::new();
        parts(&document, &mut found);
        assert!(found.contains("Failure"), "{service}: {found:?}");
        for name in found {
            let schema = &document["components"]["schemas"][&name];
            assert_ne!(schema["additionalProperties"], false, "{service}: {name}");
        }
    }
}

#[tokio::test]
async fn members_admins_and_origins_have_separate_security_schemes() {
    for (_, document) in documents().await {
        for (route, operation) in operations(&document) {
            let tag = operation["tags"][0].as_str().expect("a tag");
            let security = operation["security"].clone();
            let expected = match tag {
                "operators" if security.as_array().is_some_and(|it| it.len() == 2) => {
                    json!([{"admin": []}, {"origin": []}])
                }
                "operators" => json!([{"admin": []}]),
                "shop back ends" => json!([{"admin": []}, {"origin": []}]),
                _ if security.is_null() => Value::Null,
                _ => json!([{"member": []}]),
            };
            assert_eq!(security, expected, "{route}");
            let path = route.split(' ').nth(1).expect("a path");
            let run = [
                "/v2/admin/",
                "/v2/stock/",
                "/v2/waiting-room/admin",
                "/v2/waiting-room/cleanup",
            ];
            let is_run = run.iter().any(|prefix| path.starts_with(prefix))
                || path.starts_with("/v2/reservation/open/");
            assert_eq!(is_run, tag == "operators", "{route}");
        }
    }
}

/// Calls `each` with the name and schema of every property.
fn properties(value: &Value, each: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                properties
                    .iter()
                    .for_each(|(name, schema)| each(name, schema));
            }
            fields.values().for_each(|value| properties(value, each));
        }
        Value::Array(all) => all.iter().for_each(|value| properties(value, each)),
        _ => {}
    }
}

/// The table of units in `docs/api.md`, except for the two names from the first documents.
#[tokio::test]
async fn a_numeric_field_names_its_unit() {
    for (service, document) in documents().await {
        let schemas = &document["components"]["schemas"];
        properties(schemas, &mut |name, schema| {
            // A change may also be null.
            let schema = schema.pointer("/oneOf/0").unwrap_or(schema);
            let target = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
            let schema = target.map_or(schema, |target| &schemas[target]);
            let is_time = schema["format"] == "date-time";
            let at = format!("{service}: {name}: {schema}");
            assert_eq!(is_time, name == "at" || name.ends_with("At"), "{at}");
            let units = ["Ms", "Seconds", "Minutes", "Hours"];
            if units.iter().any(|unit| name.ends_with(unit)) {
                let kind = &schema["type"];
                let whole = kind == "integer" || kind[0] == "integer";
                assert!(whole, "{at}");
            }
            if name == "nextCursor" {
                assert_eq!(schema["type"], "string", "{at}");
            }
            let old = [
                "estimatedWaitTime",
                "estimatedEnterTime",
                "maxWaitTimeMinutes",
            ];
            assert!(
                !name.contains("Time") || name == "timeZone" || old.contains(&name),
                "{at}"
            );
        });
    }
}

#[tokio::test]
async fn optional_fields_are_left_out_rather_than_null() {
    for (name, mut document) in documents().await {
        // A change uses null to restore a default.
        if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
            schemas.remove("PolicyChange");
        }
        let text = document.to_string();
        assert!(
            !text.contains("\"null\"") && !text.contains("nullable"),
            "{name}"
        );
    }
}

/// Returns the names and types in a value; a list has those of its first item.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, it)| (name.clone(), shape(it)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(all) => all.first().map(shape).into_iter().collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("yes or no"),
        Value::Null => Value::Null,
    }
}

/// Calls every route once and keeps the answers.
struct Caller {
    app: App,
    answers: BTreeMap<String, Value>,
    admin: String,
}

impl Caller {
    /// Calls a route; `path` is that of the document, with ids in place of the parameters.
    async fn call(&mut self, route: &str, ids: &[&str], who: &str, body: Value) -> Value {
        self.call_with(route, ids, who, &[], body).await
    }

    async fn call_with(
        &mut self,
        route: &str,
        ids: &[&str],
        who: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Value {
        let (method, template) = route.split_once(' ').expect("method and path");
        let mut path = template.to_owned();
        for id in ids {
            let (open, close) = (
                path.find('{').expect("a name"),
                path.find('}').expect("a name"),
            );
            path.replace_range(open..=close, id);
        }
        let method: Method = method.parse().expect("a method");
        let mut request = self
            .app
            .request(method, &path, who)
            .header("Accept-Language", "en");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{route}: {status} {answer}");
        let template = template.split('?').next().expect("a path");
        let route = format!("{} {template}", route.split(' ').next().expect("a method"));
        self.answers.entry(route).or_insert_with(|| answer.clone());
        answer["data"].clone()
    }
}

const NONE: Value = Value::Null;

/// The requests of operators and members around a line.
async fn in_line(caller: &mut Caller, fan: &str) {
    let admin = caller.admin.clone();
    let concert = json!({"concertId": "demo", "title": "Demo Concert", "mode": "queue",
        "bookingStartAt": "2020-01-01T00:00:00Z", "autoOpen": true, "entryIntervalSeconds": 3600,
        "groupSize": 1, "holdDurationMinutes": 1});
    caller
        .call("POST /v2/admin/concerts", &[], &admin, concert)
        .await;
    let guests = json!({"concertId": "train", "title": "Train", "identity": "guest",
        "bookingStartAt": "2020-01-01T00:00:00Z"});
    caller
        .call("POST /v2/admin/concerts", &[], &admin, guests)
        .await;
    let train = json!({"concertId": "train"});
    caller
        .call("POST /v2/waiting-room/guest", &[], "", train)
        .await;
    let pause = "POST /v2/admin/concerts/{concertId}/pause";
    caller.call(pause, &["demo"], &admin, NONE).await;
    caller
        .call(
            "POST /v2/admin/concerts/{concertId}/resume",
            &["demo"],
            &admin,
            NONE,
        )
        .await;
    let demo = json!({"concertId": "demo"});
    // The schedule takes the first member, so the next one waits.
    caller.app.enter("demo", "first").await.data(201);
    caller.app.is_ready("demo", "first").await;
    caller
        .call("POST /v2/waiting-room/enter", &[], fan, demo)
        .await;
    caller
        .call(
            "GET /v2/waiting-room/status/{concertId}",
            &["demo"],
            fan,
            NONE,
        )
        .await;
    let member = "GET /v2/admin/concerts/{concertId}/members/{memberId}";
    caller.call(member, &["demo", "42"], &admin, NONE).await;
    let left = json!({"tiers": [{"name": "R", "price": 150_000, "left": 12}], "held": 3});
    let report = "PUT /v2/reservation/stock/{concertId}";
    caller.call(report, &["demo"], &admin, left).await;
    // A snapshot is up to a beat old, so the first ones predate the take.
    eventually(SOON, "the snapshot includes the take", async || {
        let snapshot = caller.app.get("/v2/waiting-room/snapshot/demo", "").await;
        let line = &snapshot.body["data"];
        line["pace"]["sinceAt"].is_string() && line["head"].is_u64() && line["stock"].is_object()
    })
    .await;
    for route in [
        "GET /v2/waiting-room/snapshot/{concertId}",
        "GET /v2/waiting-room/admin/{concertId}?limit=1",
    ] {
        caller.call(route, &["demo"], &admin, NONE).await;
    }
    for route in [
        "GET /v2/waiting-room/admin",
        "POST /v2/waiting-room/cleanup",
        "GET /v2/admin/concerts?limit=1",
        "GET /v2/admin/audit?limit=1",
        "GET /v2/admin/audit.csv",
        "GET /v2/admin/audit.jsonl",
    ] {
        caller.call(route, &[], &admin, NONE).await;
    }
    caller
        .call(
            "GET /v2/admin/concerts/{concertId}",
            &["demo"],
            &admin,
            NONE,
        )
        .await;
    let change = "PATCH /v2/admin/concerts/{concertId}";
    // The third version: pausing and resuming were changes, too.
    let version = [("If-Match", "\"3\"")];
    let nothing = json!({"notice": null});
    caller
        .call_with(change, &["demo"], &admin, &version, nothing)
        .await;
    caller
        .call(
            "POST /v2/reservation/open/{concertId}",
            &["demo"],
            &admin,
            NONE,
        )
        .await;
}

/// The requests of a member with a booking token, and of a shop's back end about the session.
async fn inside(caller: &mut Caller, fan: &str) {
    let admin = caller.admin.clone();
    let plan = json!({"perMemberLimit": 4,
        "sections": [{"section": "R", "price": 99000, "rows": 10, "seatsPerRow": 20}],
        "tickets": [{"ticketId": "standing", "name": "Standing", "price": 55000, "quantity": 500}]});
    caller
        .call("PUT /v2/stock/{concertId}", &["demo"], &admin, plan)
        .await;
    caller
        .call("GET /v2/stock/{concertId}", &["demo"], &admin, NONE)
        .await;
    caller.app.is_ready("demo", "42").await;
    let issued = caller
        .call(
            "GET /v2/reservation/token/{concertId}",
            &["demo"],
            fan,
            NONE,
        )
        .await;
    let token = issued["token"].as_str().expect("a token").to_owned();
    let session = json!({"memberId": "42", "entryNumber": issued["entryNumber"]});
    let extend = "POST /v2/reservation/sessions/{concertId}/extend";
    caller
        .call(extend, &["demo"], &admin, session.clone())
        .await;
    let with_token = [("X-Queue-Token", token.as_str())];
    let verify = "GET /v2/reservation/verify?concertId=demo";
    caller.call_with(verify, &[], fan, &with_token, NONE).await;
    eventually(SOON, "the gate sees", async || {
        let request = caller.app.request(Method::GET, "/v2/concerts/demo", fan);
        let answer = request.header("X-Queue-Token", &token).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    for route in ["", "/tickets", "/seats"] {
        let route = format!("GET /v2/concerts/{{concertId}}{route}");
        caller
            .call_with(&route, &["demo"], fan, &with_token, NONE)
            .await;
    }
    let seats = json!({"seatIds": ["demo.R.1.1"]});
    caller
        .call_with("POST /v2/seats/lock", &[], fan, &with_token, seats.clone())
        .await;
    caller
        .call_with(
            "DELETE /v2/seats/lock",
            &[],
            fan,
            &with_token,
            seats.clone(),
        )
        .await;
    caller
        .call_with("POST /v2/seats/lock", &[], fan, &with_token, seats)
        .await;
    let order =
        json!({"seatIds": ["demo.R.1.1"], "tickets": [{"ticketId": "standing", "quantity": 1}]});
    let booking = caller
        .call_with("POST /v2/bookings", &[], fan, &with_token, order)
        .await;
    caller
        .call_with(
            "GET /v2/concerts/{concertId}/seats/mine",
            &["demo"],
            fan,
            &with_token,
            NONE,
        )
        .await;
    let another = json!({"seatIds": ["demo.R.1.2"]});
    caller
        .call_with("POST /v2/seats/lock", &[], fan, &with_token, another)
        .await;
    let more =
        json!({"seatIds": ["demo.R.1.2"], "tickets": [{"ticketId": "standing", "quantity": 1}]});
    caller
        .call_with("POST /v2/bookings", &[], fan, &with_token, more)
        .await;
    caller
        .call("GET /v2/bookings?limit=1", &[], fan, NONE)
        .await;
    let id = booking["bookingId"].as_str().expect("an id").to_owned();
    let pay = json!({"paymentToken": "card"});
    let confirm = "POST /v2/bookings/{bookingId}/confirm";
    caller
        .call_with(confirm, &[&id], fan, &with_token, pay)
        .await;
    caller
        .call("GET /v2/bookings/{bookingId}", &[&id], fan, NONE)
        .await;
    let complete = "POST /v2/reservation/complete/{concertId}";
    caller
        .call_with(complete, &["demo"], fan, &with_token, NONE)
        .await;
    let complete = "POST /v2/reservation/sessions/{concertId}/complete";
    caller.call(complete, &["demo"], &admin, session).await;
    for file in ["?limit=1", ".csv", ".jsonl"] {
        let route = format!("GET /v2/stock/{{concertId}}/bookings{file}");
        caller.call(&route, &["demo"], &admin, NONE).await;
    }
    caller
        .call("DELETE /v2/bookings/{bookingId}", &[&id], fan, NONE)
        .await;
    caller
        .call(
            "GET /v2/reservation/revoked/{concertId}",
            &["demo"],
            &admin,
            NONE,
        )
        .await;
    caller.call("GET /v2/concerts?limit=1", &[], "", NONE).await;
    caller
        .call("GET /.well-known/jwks.json", &[], "", NONE)
        .await;
}

async fn in_the_end(caller: &mut Caller, fan: &str) {
    let admin = caller.admin.clone();
    caller
        .call("POST /v2/stock/{concertId}/reset", &["demo"], &admin, NONE)
        .await;
    caller
        .call("DELETE /v2/stock/{concertId}", &["demo"], &admin, NONE)
        .await;
    caller
        .call(
            "POST /v2/waiting-room/exit/{concertId}",
            &["demo"],
            fan,
            NONE,
        )
        .await;
    let member = "DELETE /v2/admin/concerts/{concertId}/members/{memberId}";
    caller.call(member, &["demo", "42"], &admin, NONE).await;
    caller
        .call(
            "POST /v2/admin/concerts/{concertId}/clear",
            &["train"],
            &admin,
            NONE,
        )
        .await;
    caller
        .call(
            "POST /v2/admin/concerts/{concertId}/close",
            &["train"],
            &admin,
            NONE,
        )
        .await;
    caller
        .call(
            "DELETE /v2/admin/concerts/{concertId}",
            &["train"],
            &admin,
            NONE,
        )
        .await;
}

/// Reads, repeats and removes a dead letter of the demo.
async fn dead_letters(caller: &mut Caller) {
    caller.app.post("/dev/break/message", "").await.data(200);
    let read = "GET /v2/admin/dead-letters";
    eventually(SOON, "it is a dead letter", async || {
        let letters = caller.app.get("/v2/admin/dead-letters", ADMIN_TOKEN).await;
        letters.data(200)["total"] == 1
    })
    .await;
    caller.call(read, &[], ADMIN_TOKEN, NONE).await;
    let repeat = "POST /v2/admin/dead-letters/repeat";
    caller.call(repeat, &[], ADMIN_TOKEN, NONE).await;
    let remove = "DELETE /v2/admin/dead-letters";
    caller.call(remove, &[], ADMIN_TOKEN, NONE).await;
}

#[tokio::test]
async fn every_example_has_the_shape_of_a_real_answer() {
    let (app, demo) = tokio::join!(App::embedded(), App::demo_with(&[]));
    let document = demo.get("/openapi.json", "").await.body;
    let fan = member("42");
    let answers = BTreeMap::new();
    let mut caller = Caller {
        app,
        answers,
        admin: admin(),
    };
    in_line(&mut caller, &fan).await;
    inside(&mut caller, &fan).await;
    in_the_end(&mut caller, &fan).await;
    caller.app = demo;
    dead_letters(&mut caller).await;
    let someone = json!({"memberId": "7"});
    caller.call("POST /dev/token", &[], "", someone).await;
    let mut different = Vec::new();
    for (route, operation) in operations(&document) {
        let answer = &caller
            .answers
            .get(&route)
            .unwrap_or_else(|| panic!("{route} was not called"));
        let responses = operation["responses"].as_object().expect("responses");
        let success = responses.iter().find(|(status, _)| status.starts_with('2'));
        let (_, success) = success.expect("a success");
        let example = &success["content"]["application/json"]["example"];
        let is_file = success["content"].is_object() && example.is_null();
        if is_file {
            continue;
        }
        if shape(example) != shape(answer) || example["message"] != answer["message"] {
            different.push(format!("{route}\n  example {example}\n  answer  {answer}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
