//! The settings that every system under test is started with.

use test_support::CODE_KEY;

use crate::mail::MailGate;

/// Pairs of `section.key` and value. Of two values of a key the later one counts.
pub(crate) type Settings = Vec<(String, String)>;

/// Settings as owned texts.
pub(super) fn pairs(settings: &[(&str, &str)]) -> Settings {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What both deployments are told: our mail server, and long timeouts, because tests do not look
/// for a busy machine. The system notices a server that a test cuts off at once, by its broken
/// connection; a test that needs shorter timeouts sets them itself.
pub(super) fn common_settings(smtp: &MailGate) -> Settings {
    pairs(&[
        ("code.key", CODE_KEY),
        ("http.header_timeout", "60s"),
        ("http.body_timeout", "60s"),
        ("hashing.queue", "2000"),
        ("hashing.deadline", "60s"),
        ("postgres.connect_timeout", "30s"),
        ("postgres.statement_timeout", "30s"),
        ("redis.timeout", "30s"),
        ("rabbitmq.confirm_timeout", "30s"),
        // Longer than a delivery may take, or it would be made twice.
        ("outbox.lease", "61s"),
        ("smtp.host", "127.0.0.1"),
        ("smtp.port", &smtp.port().to_string()),
        ("smtp.tls", "none"),
        ("smtp.timeout", "60s"),
        ("outbox.poll_interval", "300ms"),
    ])
}

/// Turns every limit off, because all tests are one client.
pub(super) fn no_limits() -> Settings {
    pairs(&[
        ("limits.register_per_client", "off"),
        ("limits.register_per_address", "off"),
        ("limits.activate_per_client", "off"),
        ("limits.activate_per_address", "off"),
        ("limits.resend_per_client", "off"),
        ("limits.resend_per_address", "off"),
        ("limits.further_codes", "off"),
        ("limits.wrong_guesses_per_client", "off"),
        ("limits.wrong_passwords_per_client", "off"),
        ("limits.wrong_passwords_per_address", "off"),
        ("limits.mails_per_mailbox", "off"),
        ("limits.mails_per_mailbox_and_network", "off"),
    ])
}
