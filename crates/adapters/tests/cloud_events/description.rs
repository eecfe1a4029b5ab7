//! `docs/asyncapi.yaml` against the code, both ways: whatever is written is described, and whatever
//! is described is written.

use std::collections::{BTreeMap, BTreeSet};

use adapters::cloud_events::{CONTENT_TYPE, EventNaming, decode, encode};
use domain::{CodeIssue, Event, EventId, TraceParent, UserEvent, UserId};
use jsonschema::Validator;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{naming, own_naming};

fn description() -> Value {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.yaml"));
    serde_norway::from_str(text).unwrap()
}

/// The messages of the channels with a routing key, by that.
fn messages(description: &Value) -> BTreeMap<String, Value> {
    let channels = description["channels"].as_object().unwrap();
    let message = |channel: &Value| {
        let messages: Vec<&Value> = channel["messages"].as_object().unwrap().values().collect();
        assert_eq!(messages.len(), 1, "{channel}");
        (channel["address"].as_str().unwrap().to_owned(), follow(description, messages[0]).clone())
    };
    channels.values().filter(|channel| channel["address"].is_string()).map(message).collect()
}

/// What a reference within the description leads to.
fn follow<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => description.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// The schema of a message's payload, with what it refers to.
fn schema(description: &Value, message: &Value) -> Validator {
    let mut schema = message["payload"].clone();
    schema["components"] = description["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn events() -> Vec<Event> {
    let user_id = UserId::from_uuid(Uuid::from_u128(7));
    let kinds = [
        UserEvent::UserRegistered { issue: CodeIssue { user_id, number: 1 } },
        UserEvent::CodeRequested { issue: CodeIssue { user_id, number: u32::MAX } },
        UserEvent::UserActivated { user_id },
        UserEvent::RegistrationRepeated { user_id },
        UserEvent::UserDeleted { user_id },
    ];
    let id: Uuid = "019767c5-9a00-7000-8000-00000000002a".parse().unwrap();
    let event = |kind| Event { id: EventId::from_uuid(id), trace: TraceParent::start(id), kind };
    kinds.map(event).to_vec()
}

fn written(event: &Event, naming: &EventNaming) -> Value {
    serde_json::from_slice(&encode(event, naming)).unwrap()
}

#[test]
fn the_events_of_the_code_are_those_of_the_description() {
    let described = messages(&description());
    let names: Vec<&str> =
        described.values().map(|message| message["name"].as_str().unwrap()).collect();
    assert_eq!(names, described.keys().collect::<Vec<_>>());
    let known: BTreeSet<&str> = UserEvent::TYPES.into();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), known);
    assert_eq!(events().iter().map(|event| event.kind.type_name()).collect::<BTreeSet<_>>(), known);
    let webhook = &description()["channels"]["webhook"]["messages"];
    assert_eq!(webhook.as_object().unwrap().len(), known.len());
    assert_eq!(description()["defaultContentType"], CONTENT_TYPE);
}

#[test]
fn what_is_written_is_as_described() {
    let description = description();
    let messages = messages(&description);
    for event in events() {
        for naming in [naming(), own_naming()] {
            let written = written(&event, &naming);
            for (name, message) in &messages {
                let outcome =
                    schema(&description, message).validate(&written).map_err(|e| e.to_string());
                let is_its_own = name == event.kind.type_name();
                assert_eq!(outcome.is_ok(), is_its_own, "{name}: {outcome:?} for {written:#}");
            }
        }
    }
}

#[test]
fn nothing_is_written_that_is_not_described_and_nothing_described_that_is_not_written() {
    let description = description();
    for event in events() {
        let message = &messages(&description)[event.kind.type_name()];
        let (mut attributes, mut data) = (BTreeSet::new(), BTreeSet::new());
        for part in message["payload"]["allOf"].as_array().unwrap() {
            let properties = follow(&description, part)["properties"].as_object().unwrap();
            attributes.extend(properties.keys());
            let fields = follow(&description, &properties["data"])["properties"].as_object();
            data.extend(fields.into_iter().flat_map(|fields| fields.keys()));
        }
        let written = written(&event, &naming());
        assert_eq!(attributes, written.as_object().unwrap().keys().collect());
        // What only webhooks may have is tested with them.
        data.remove(&"email".to_owned());
        assert_eq!(data, written["data"].as_object().unwrap().keys().collect());
    }
}

#[test]
fn what_is_always_written_is_required_and_has_its_form() {
    let description = description();
    for event in events() {
        let schema = schema(&description, &messages(&description)[event.kind.type_name()]);
        let written = written(&event, &naming());
        let data = written["data"].as_object().unwrap().keys().map(|key| format!("/data/{key}"));
        let attributes = written.as_object().unwrap().keys().map(|key| format!("/{key}"));
        for pointer in attributes.chain(data) {
            let mut without = written.clone();
            remove(&mut without, &pointer);
            // Years after 9999 have none.
            assert_eq!(schema.is_valid(&without), pointer == "/time", "without {pointer}");
            let mut other = written.clone();
            *other.pointer_mut(&pointer).unwrap() = json!(-1);
            assert!(!schema.is_valid(&other), "with another {pointer}");
        }
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
}

#[test]
fn the_examples_are_what_the_code_writes() {
    for (name, message) in messages(&description()) {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            let payload = &example["payload"];
            let event = decode(payload.to_string().as_bytes()).unwrap();
            assert_eq!(event.kind.type_name(), name);
            let naming = if payload["source"] == "/registration" { naming() } else { own_naming() };
            assert_eq!(&written(&event, &naming), payload);
        }
    }
}
