//! Events as bytes: what others read and write.

use adapters::cloud_events::{EnvelopeError, decode, encode};
use domain::{CodeIssue, Event, EventId, TraceParent, UserEvent, UserEventError, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{naming, own_naming};

fn any_event() -> impl Strategy<Value = Event> {
    let user_id = any::<u128>().prop_map(|id| UserId::from_uuid(Uuid::from_u128(id)));
    let kind = (user_id, any::<u32>(), 0..5).prop_map(|(user_id, number, kind)| match kind {
        0 => UserEvent::UserRegistered { issue: CodeIssue { user_id, number } },
        1 => UserEvent::CodeRequested { issue: CodeIssue { user_id, number } },
        2 => UserEvent::UserActivated { user_id },
        3 => UserEvent::RegistrationRepeated { user_id },
        _ => UserEvent::UserDeleted { user_id },
    });
    let trace = (1_u128.., 1_u64.., any::<u8>()).prop_map(|(trace, span, flags)| {
        format!("00-{trace:032x}-{span:016x}-{flags:02x}").parse().unwrap()
    });
    (any::<u128>(), trace, kind).prop_map(|(id, trace, kind): (_, TraceParent, _)| Event {
        id: EventId::from_uuid(Uuid::from_u128(id)),
        trace,
        kind,
    })
}

/// An encoded event with bytes replaced, inserted and removed.
fn broken_event() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 1..6);
    (any_event(), edits).prop_map(|(event, edits)| {
        let mut body = encode(&event, &naming());
        for (at, edit, byte) in edits {
            let at = at.index(body.len() + 1);
            let replaced = if edit == 0 { at..at } else { at..(at + 1).min(body.len()) };
            body.splice(replaced, (edit != 1).then_some(byte));
        }
        body
    })
}

/// An event of which some attribute has another value, or none: well-formed JSON all the same.
fn strange_event() -> impl Strategy<Value = Vec<u8>> {
    let attribute = prop::sample::select(vec![
        "/specversion",
        "/id",
        "/source",
        "/type",
        "/subject",
        "/datacontenttype",
        "/time",
        "/traceparent",
        "/data",
        "/data/user_id",
    ]);
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("00000000-0000-0000-0000-000000000000")),
        Just(json!("00-00000000000000000000000000000000-0000000000000000-00")),
        Just(json!([])),
        Just(json!({})),
    ];
    (any_event(), prop::collection::vec((attribute, value), 1..4)).prop_map(|(event, changes)| {
        let mut envelope: Value = serde_json::from_slice(&encode(&event, &naming())).unwrap();
        for (pointer, value) in changes {
            if let Some(attribute) = envelope.pointer_mut(pointer) {
                *attribute = value;
            }
        }
        envelope.to_string().into_bytes()
    })
}

proptest! {
    // At least 2,000 cases; `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

    #[test]
    fn fuzz_an_envelope_that_is_written_is_read(event in any_event()) {
        for naming in [naming(), own_naming()] {
            prop_assert_eq!(&decode(&encode(&event, &naming)).unwrap(), &event);
        }
    }

    #[test]
    fn fuzz_no_bytes_as_envelope_make_it_panic(body in any::<Vec<u8>>()) {
        let _ = decode(&body);
    }

    #[test]
    fn fuzz_a_broken_envelope_is_refused_or_read_for_good(body in prop_oneof![broken_event(), strange_event()]) {
        if let Ok(event) = decode(&body) {
            prop_assert_eq!(decode(&encode(&event, &naming())).unwrap(), event);
        }
    }
}

fn example() -> Event {
    Event {
        id: EventId::from_uuid("019767c5-9a00-7000-8000-00000000002a".parse().unwrap()),
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap(),
        kind: UserEvent::CodeRequested {
            issue: CodeIssue { user_id: UserId::from_uuid(Uuid::from_u128(7)), number: 2 },
        },
    }
}

fn example_json() -> Value {
    json!({
        "specversion": "1.0",
        "id": "019767c5-9a00-7000-8000-00000000002a",
        "source": "/registration",
        "type": "user.code_requested",
        "subject": "00000000-0000-0000-0000-000000000007",
        "time": "2025-06-13T05:31:32.736Z",
        "datacontenttype": "application/json",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "data": { "user_id": "00000000-0000-0000-0000-000000000007", "issue_number": 2 },
    })
}

#[test]
fn an_event_is_a_cloudevent() {
    let written: Value = serde_json::from_slice(&encode(&example(), &naming())).unwrap();
    assert_eq!(written, example_json());
}

#[test]
fn a_deployment_may_name_its_events() {
    let written: Value = serde_json::from_slice(&encode(&example(), &own_naming())).unwrap();
    let mut expected = example_json();
    expected["source"] = json!("https://example.com/signup");
    expected["type"] = json!("com.example.user.code_requested");
    assert_eq!(written, expected);
}

#[test]
fn a_type_is_read_with_any_prefix_and_with_none() {
    let decode_type = |kind: &str| {
        let mut message = example_json();
        message["type"] = json!(kind);
        decode(message.to_string().as_bytes())
    };
    for prefix in ["", "com.example.", "org."] {
        let event = decode_type(&format!("{prefix}user.code_requested")).unwrap();
        assert_eq!(event, example(), "{prefix}");
    }
    for kind in ["xuser.code_requested", "user.code_requested.v2", "code_requested", ""] {
        let error = decode_type(kind).unwrap_err();
        let EnvelopeError::Event(UserEventError::UnknownType(named)) = error else {
            panic!("{kind}: {error}");
        };
        assert_eq!(named, kind);
    }
}

#[test]
fn unknown_fields_are_left_alone() {
    let mut message = example_json();
    message["tenant"] = json!({ "name": ["x", 1] });
    message["data"]["locale"] = json!("de");
    assert_eq!(decode(message.to_string().as_bytes()).unwrap(), example());
}

#[test]
fn a_missing_or_broken_trace_starts_a_new_one() {
    for trace in [Value::Null, json!("00-0-0-0")] {
        let mut message = example_json();
        message["traceparent"] = trace;
        let event = decode(message.to_string().as_bytes()).unwrap();
        assert_eq!(event.kind, example().kind);
        assert_eq!(event.trace, TraceParent::start(*example().id.as_uuid()));
    }
}

#[test]
fn what_is_no_event_says_why() {
    let error = |field: &str, value: Value| {
        let mut message = example_json();
        *message.pointer_mut(field).unwrap() = value;
        decode(message.to_string().as_bytes()).unwrap_err()
    };
    assert!(matches!(decode(b"\xff"), Err(EnvelopeError::Malformed(_))));
    assert!(matches!(decode(b"{}"), Err(EnvelopeError::Malformed(_))));
    assert!(matches!(error("/id", json!("7")), EnvelopeError::Malformed(_)));
    assert!(matches!(error("/data/user_id", json!(7)), EnvelopeError::Malformed(_)));
    assert!(matches!(error("/data/issue_number", json!(-1)), EnvelopeError::Malformed(_)));
    assert!(matches!(
        error("/data/issue_number", Value::Null),
        EnvelopeError::Event(UserEventError::NoIssueNumber(_))
    ));
    assert!(matches!(error("/specversion", json!("0.3")), EnvelopeError::Version(_)));
    assert!(matches!(
        error("/type", json!("user.of_the_future")),
        EnvelopeError::Event(UserEventError::UnknownType(_))
    ));
}

/// A newer version may say what it likes in an event of a type of its own.
#[test]
fn an_event_of_an_unknown_type_is_not_called_malformed() {
    for data in [json!({}), json!({ "user_ids": [1, 2] }), json!("text"), Value::Null] {
        let mut message = example_json();
        message["type"] = json!("user.of_the_future");
        message["data"] = data;
        let error = decode(message.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, EnvelopeError::Event(UserEventError::UnknownType(_))), "{error}");
    }
}
