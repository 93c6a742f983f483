//! An example for every success.

use serde_json::{Value, json};

use super::resolved;

/// Adds an example to each success in the envelope: the response's description as the message, and
/// the example of the `data` schema.
pub(super) fn add(operation: &mut Value, schemas: &Value) {
    let responses = operation["responses"].as_object_mut().into_iter().flatten();
    for (status, response) in responses {
        let (Ok(status), Some(message)) = (status.parse::<u16>(), response["description"].as_str())
        else {
            continue;
        };
        let message = message.to_owned();
        let Some(content) = response.pointer_mut("/content/application~1json") else {
            continue;
        };
        let envelope = resolved(&content["schema"], schemas);
        let data = resolved(&envelope["properties"]["data"], schemas).get("example");
        let (true, Some(data)) = ((200..300).contains(&status), data) else {
            continue;
        };
        if content.get("example").is_none() {
            content["example"] = json!({ "message": message, "data": data, "status": status });
        }
    }
}
