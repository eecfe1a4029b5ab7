//! Settings that have a new name. The old one is read for one more version, with a warning.

use config::{Map, Value, ValueKind};

use crate::SettingsError;

/// A setting that was given under its old name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenamedKey {
    /// `section.key` as it was.
    pub old: &'static str,
    /// `section.key` as it is.
    pub new: &'static str,
    /// What the old value lacks, if it was a plain number.
    unit: Option<&'static str>,
}

/// Durations used to be numbers whose unit was part of the key.
const fn renamed(old: &'static str, new: &'static str, unit: &'static str) -> RenamedKey {
    RenamedKey { old, new, unit: Some(unit) }
}

const RENAMED: [RenamedKey; 20] = [
    RenamedKey { old: "mail.product", new: "mail.product_name", unit: None },
    renamed("http.header_timeout_ms", "http.header_timeout", "ms"),
    renamed("http.body_timeout_ms", "http.body_timeout", "ms"),
    renamed("http.keep_alive_seconds", "http.keep_alive", "s"),
    renamed("http.shutdown_seconds", "http.shutdown_timeout", "s"),
    renamed("registration.purge_after_days", "registration.purge_after", "d"),
    renamed("registration.purge_interval_seconds", "registration.purge_interval", "s"),
    renamed("password.breach_timeout_ms", "password.breach_timeout", "ms"),
    renamed("code.window_seconds", "code.window", "s"),
    renamed("hashing.deadline_ms", "hashing.deadline", "ms"),
    renamed("postgres.connect_timeout_ms", "postgres.connect_timeout", "ms"),
    renamed("postgres.statement_timeout_ms", "postgres.statement_timeout", "ms"),
    renamed("redis.timeout_ms", "redis.timeout", "ms"),
    renamed("rabbitmq.confirm_timeout_ms", "rabbitmq.confirm_timeout", "ms"),
    renamed("rabbitmq.retry_delays_seconds", "rabbitmq.retry_delays", "s"),
    renamed("smtp.timeout_ms", "smtp.timeout", "ms"),
    renamed("smtp.acceptance_timeout_ms", "smtp.acceptance_timeout", "ms"),
    renamed("smtp.idle_seconds", "smtp.idle_timeout", "s"),
    renamed("outbox.poll_interval_ms", "outbox.poll_interval", "ms"),
    renamed("outbox.lease_seconds", "outbox.lease", "s"),
];

/// Moves each value from its old name to the new one, and returns the old names that were used.
pub(crate) fn move_to_new_names(
    sections: &mut Map<String, Value>,
) -> Result<Vec<RenamedKey>, SettingsError> {
    let mut used = Vec::new();
    for key in RENAMED {
        let Some((section, old)) = key.old.split_once('.') else { continue };
        let Some((_, new)) = key.new.split_once('.') else { continue };
        let Some(Value { kind: ValueKind::Table(section), .. }) = sections.get_mut(section) else {
            continue;
        };
        let Some(value) = section.remove(old) else { continue };
        if section.contains_key(new) {
            return Err(SettingsError::BothNames { old: key.old, new: key.new });
        }
        let value = match key.unit {
            Some(unit) => with_unit(value, unit),
            None => value,
        };
        section.insert(new.to_owned(), value);
        used.push(key);
    }
    Ok(used)
}

/// A number, or a list of them, in the old form.
fn with_unit(mut value: Value, unit: &str) -> Value {
    if let ValueKind::Array(numbers) = value.kind {
        let durations = numbers.into_iter().map(|number| with_unit(number, unit)).collect();
        value.kind = ValueKind::Array(durations);
    } else {
        let numbers = value.kind.to_string();
        let durations: Vec<_> =
            numbers.split(',').map(|number| format!("{}{unit}", number.trim())).collect();
        value.kind = ValueKind::String(durations.join(","));
    }
    value
}
