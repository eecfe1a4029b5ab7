//! How commands print what others have written and when it happened.

use std::borrow::Cow;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// None for a time that no calendar has.
pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let nanoseconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds.try_into().ok()?).ok()?;
    time.format(&Rfc3339).ok()
}

/// Without anything that a terminal would obey or that would break the line: anybody who can
/// publish decides what a message holds.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect::<String>().into()
}
