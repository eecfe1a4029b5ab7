//! An example of every JSON body, composed of the examples of its fields.

use serde_json::{Map, Value, json};

/// Adds an example to each body of an operation that has none.
pub(super) fn add_examples(operation: &mut Map<String, Value>, schemas: &Value) {
    if let Some(body) = operation.get_mut("requestBody") {
        add_to_body(body, schemas);
    }
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    responses
        .into_iter()
        .flat_map(|all| all.values_mut())
        .for_each(|body| add_to_body(body, schemas));
}

fn add_to_body(body: &mut Value, schemas: &Value) {
    let contents = body.get_mut("content").and_then(Value::as_object_mut);
    for content in contents.into_iter().flat_map(|contents| contents.values_mut()) {
        if content.get("example").is_none()
            && let Some(example) = example_of(&content["schema"], schemas)
        {
            content["example"] = example;
        }
    }
}

/// The example that a schema names, or else one composed of what it refers to.
fn example_of(schema: &Value, schemas: &Value) -> Option<Value> {
    let named = schema["examples"].get(0).or_else(|| schema["enum"].get(0));
    if let Some(example) = named {
        return Some(example.clone());
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return example_of(&schemas[name], schemas);
    }
    if let Some(parts) = schema["oneOf"].as_array().or_else(|| schema["allOf"].as_array()) {
        return parts.iter().find_map(|part| example_of(part, schemas));
    }
    if let Some(values) = schema.get("additionalProperties") {
        let name = schema["propertyNames"]["examples"][0].as_str()?;
        return Some(json!({ name: example_of(values, schemas)? }));
    }
    let fields = schema["properties"].as_object()?.iter();
    let fields = fields.map(|(name, field)| Some((name.clone(), example_of(field, schemas)?)));
    fields.collect::<Option<Map<_, _>>>().map(Value::Object)
}
