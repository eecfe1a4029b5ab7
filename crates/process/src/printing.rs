//! How commands print what others have written and when it happened.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// A time as RFC 3339 has it, always with three digits for the millisecond. None for a time that no
/// calendar has.
pub fn rfc3339(time: SystemTime) -> Option<String> {
    let year_10000 = SystemTime::UNIX_EPOCH + Duration::from_hours(2_932_897 * 24);
    let is_known = (SystemTime::UNIX_EPOCH..year_10000).contains(&time);
    is_known.then(|| humantime::format_rfc3339_millis(time).to_string())
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
