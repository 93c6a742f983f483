//! Describing the failures of a route.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use sunbeon_domain::{Code, Field};

use super::{FAILS, FAILS_ONLY, header_of, resolved};

/// A code that a route can answer, with an example of the failure's `data`.
type Fails = (Code, Option<Value>);

/// Adds a response for each status with which the operation can fail.
pub(super) fn describe(operation: &mut Value, schemas: &Value) -> anyhow::Result<()> {
    let mut all = listed(operation, FAILS_ONLY)?;
    if all.is_empty() {
        all = shared(operation, schemas);
        all.extend(listed(operation, FAILS)?);
    }
    for (_, data) in &mut all {
        if let Some(Value::String(schema)) = data {
            *data = schemas[schema.as_str()].get("example").cloned();
        }
    }
    let mut by_status: BTreeMap<u16, Vec<Fails>> = BTreeMap::new();
    for (code, data) in all {
        let alike = by_status.entry(code.status()).or_default();
        if !alike.iter().any(|(known, _)| *known == code) {
            alike.push((code, data));
        }
    }
    for (status, codes) in by_status {
        let described = &mut operation["responses"][status.to_string()];
        let mut response = response(status, &codes);
        // The route may declare its own headers for a failure.
        if let (Some(own), Some(all)) = (
            described["headers"].as_object().cloned(),
            response["headers"].as_object_mut(),
        ) {
            all.extend(own);
        }
        *described = response;
    }
    Ok(())
}

/// Removes a list of the route's own failures from the operation and returns it.
fn listed(operation: &mut Value, name: &str) -> anyhow::Result<Vec<Fails>> {
    let list = operation.as_object_mut().and_then(|it| it.remove(name));
    let all = match list {
        None => return Ok(Vec::new()),
        Some(Value::Array(all)) => all,
        Some(other) => bail!("{name} is not a list: {other}"),
    };
    let known = |word: &str| Code::of_word(word).with_context(|| format!("{word} is not a code"));
    let each = all.into_iter().map(|one| match one {
        Value::String(word) => Ok(vec![(known(&word)?, None)]),
        Value::Object(with_data) => {
            let each = with_data.into_iter();
            each.map(|(word, data)| Ok((known(&word)?, Some(data))))
                .collect()
        }
        other => bail!("{name} has an item that is neither a code nor an object: {other}"),
    });
    let each: anyhow::Result<Vec<_>> = each.collect();
    Ok(each?.concat())
}

/// Returns the failures that follow from an operation's inputs and its audience.
fn shared(operation: &Value, schemas: &Value) -> Vec<Fails> {
    let mut fails = vec![
        (Code::InvalidQuery, Some(json!({ "unknownField": "page" }))),
        (Code::TooManyRequests, None),
        (Code::Internal, None),
    ];
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let names = parameters.filter_map(|parameter| parameter["name"].as_str());
    fails.extend(names.filter_map(invalid));
    if let Some(body) = operation.get("requestBody") {
        let schema = &body["content"]["application/json"]["schema"];
        fails.push((Code::InvalidBody, Some(json!({ "unknownField": "colour" }))));
        fails.extend(
            properties(schema, schemas)
                .iter()
                .filter_map(|name| invalid(name)),
        );
        fails.extend([
            (Code::BodyTooLarge, None),
            (Code::UnsupportedMediaType, None),
        ]);
    }
    if operation["security"]
        .as_array()
        .is_some_and(|it| !it.is_empty())
    {
        let codes = [Code::Unauthenticated, Code::Forbidden, Code::KeysDown];
        fails.extend(codes.map(|code| (code, None)));
    }
    fails
}

fn invalid(name: &str) -> Option<Fails> {
    Field::named(name).map(|field| (Code::Invalid(field), None))
}

/// Returns the names of a schema's properties, including those of its parts.
fn properties(schema: &Value, schemas: &Value) -> Vec<String> {
    let schema = resolved(schema, schemas);
    let fields = schema["properties"].as_object().into_iter().flatten();
    let own = fields.map(|(name, _)| name.clone());
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| properties(part, schemas)))
        .collect()
}

fn response(status: u16, fails: &[Fails]) -> Value {
    let meanings = fails
        .iter()
        .map(|(code, _)| format!("`{}`: {}", code.word(), code.text().en));
    let words: Vec<_> = fails.iter().map(|(code, _)| code.word()).collect();
    let by_word = fails
        .iter()
        .map(|fails| (fails.0.word().to_owned(), example(fails)));
    let examples: Map<String, Value> = by_word.collect();
    let code =
        json!({ "type": "object", "properties": { "code": { "type": "string", "enum": words } } });
    let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Failure" }, code] });
    let mut response = json!({
        "description": meanings.collect::<Vec<_>>().join("\n\n"),
        "content": { "application/json": { "schema": schema, "examples": examples } },
        "headers": {},
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", "WwwAuthenticate")),
        429 | 503 => Some(("Retry-After", "RetryAfter")),
        _ => None,
    };
    if let Some((name, component)) = header {
        response["headers"][name] = header_of(component);
    }
    response
}

fn example((code, data): &Fails) -> Value {
    let mut failure = json!({
        "message": code.text().en,
        "code": code.word(),
        "status": code.status(),
    });
    if let Some(data) = data {
        failure["data"] = data.clone();
    }
    json!({ "summary": code.word(), "value": failure })
}
