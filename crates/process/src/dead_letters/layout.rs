//! How an event that was set aside is printed.

use std::borrow::Cow;

use domain::ports::DeadLetter;
use serde::Serialize;
use serde_json::Value;

use crate::printing::{printable, rfc3339};

/// The forms there are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    /// What matters most, separated by tabs.
    Line,
    /// Everything, for people.
    Page,
    /// Everything, for programs.
    Json,
}

/// The names are part of the interface.
#[derive(Serialize)]
struct Json<'a> {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    failed_at: Option<String>,
    attempts: Option<u64>,
    reason: &'a str,
    /// As text where it is not JSON.
    event: Value,
}

impl Layout {
    /// The event with a line end.
    pub(super) fn render(self, letter: &DeadLetter) -> String {
        let id = letter.id.map(|id| id.as_uuid().to_string());
        let failed_at = letter.failed_at.and_then(rfc3339);
        let kind = letter.kind.as_deref();
        let reason = printable(&letter.reason);
        match self {
            Self::Line => {
                let (id, kind) = (shown(id.as_deref()), shown(kind));
                format!("{id}\t{kind}\t{}\t{reason}\n", shown(failed_at.as_deref()))
            }
            Self::Page => format!(
                "id:         {}\ntype:       {}\nset aside:  {}\nattempts:   {}\nreason:     {reason}\n\
                 event:      {}\n",
                shown(id.as_deref()),
                shown(kind),
                shown(failed_at.as_deref()),
                shown(letter.attempts.map(|number| number.to_string()).as_deref()),
                printable(&letter.event),
            ),
            Self::Json => {
                let event = serde_json::from_str(&letter.event)
                    .unwrap_or_else(|_| Value::String(letter.event.clone()));
                let (attempts, reason) = (letter.attempts, letter.reason.as_str());
                let json = Json { id, kind, failed_at, attempts, reason, event };
                format!("{}\n", serde_json::json!(json))
            }
        }
    }
}

fn shown(text: Option<&str>) -> Cow<'_, str> {
    text.map_or(Cow::Borrowed("-"), printable)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use domain::EventId;
    use uuid::Uuid;

    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            id: Some(EventId::from_uuid(Uuid::from_u128(7))),
            kind: Some("user.registered".into()),
            reason: "refused:\t550".into(),
            failed_at: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)),
            attempts: Some(2),
            event: r#"{"user_id":"7"}"#.into(),
        }
    }

    fn foreign() -> DeadLetter {
        let event = "\u{1b}[2Jno event".into();
        DeadLetter { id: None, kind: None, failed_at: None, attempts: None, event, ..letter() }
    }

    #[test]
    fn one_line_for_each() {
        assert_eq!(
            Layout::Line.render(&letter()),
            "00000000-0000-0000-0000-000000000007\tuser.registered\t1970-01-01T00:00:01.500Z\t\
             refused:\\t550\n"
        );
        assert_eq!(Layout::Line.render(&foreign()), "-\t-\t-\trefused:\\t550\n");
    }

    #[test]
    fn everything_without_what_a_terminal_would_obey() {
        let page = Layout::Page.render(&letter());
        assert!(
            page.contains("attempts:   2\n") && page.contains(r#"event:      {"user_id":"7"}"#)
        );
        let page = Layout::Page.render(&foreign());
        assert!(page.contains(r"event:      \u{1b}[2Jno event"), "{page}");
    }

    #[test]
    fn an_object_with_names_that_stay() {
        let read = |letter: &DeadLetter| -> Value {
            let json = Layout::Json.render(letter);
            assert_eq!(json.lines().count(), 1);
            serde_json::from_str(&json).unwrap()
        };
        let expected = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000007",
            "type": "user.registered",
            "failed_at": "1970-01-01T00:00:01.500Z",
            "attempts": 2,
            "reason": "refused:\t550",
            "event": { "user_id": "7" },
        });
        assert_eq!(read(&letter()), expected);
        let foreign = read(&foreign());
        assert_eq!(
            (&foreign["id"], &foreign["event"]),
            (&Value::Null, &"\u{1b}[2Jno event".into())
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_is_unknown() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_millis(i64::MAX as u64);
        let letter = DeadLetter { failed_at: Some(far), ..letter() };
        assert!(Layout::Line.render(&letter).contains("\t-\t"));
    }
}
