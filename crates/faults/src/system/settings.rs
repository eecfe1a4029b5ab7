//! What the system under test is told.

use std::time::Duration;

use test_support::CODE_KEY;

use crate::evidence::{AnswerBounds, Terms};
use crate::receiver::SECRET;

/// Pairs of `section.key` and value.
pub type Settings = Vec<(String, String)>;

/// How many guesses a code allows, and an address per day.
const ATTEMPTS: usize = 5;
const GUESSES: usize = 12;

/// The longest that one step may take: a command of Redis; a password, waiting included; a
/// connection to PostgreSQL and a statement on it. And what a busy machine may add to an answer.
const REDIS: Duration = Duration::from_secs(1);
const HASH: Duration = Duration::from_secs(3);
const POSTGRES: Duration = Duration::from_secs(5);
const BUSY: Duration = Duration::from_secs(5);

/// The settings of every process.
///
/// Timeouts are shorter than the defaults, so that they pass within a fault. Hashes cost next to
/// nothing and nobody is limited, because all clients are one and share two cores with the rest.
pub fn common(smtp_port: u16) -> Settings {
    let limits = [
        "register_per_client",
        "register_per_address",
        "activate_per_client",
        "activate_per_address",
        "resend_per_client",
        "resend_per_address",
        "further_codes",
        "wrong_guesses_per_client",
        "mails_per_mailbox",
        "mails_per_mailbox_and_network",
    ];
    let off = limits.map(|limit| (format!("limits.{limit}"), "off".to_owned()));
    let (smtp_port, attempts) = (smtp_port.to_string(), ATTEMPTS.to_string());
    let guesses = GUESSES.to_string();
    let settings = [
        ("code.key", CODE_KEY),
        ("code.attempts", &attempts),
        ("code.guesses_per_day", &guesses),
        ("hashing.memory_kib", "8"),
        ("hashing.iterations", "1"),
        ("outbox.lease", "8s"),
        ("outbox.poll_interval", "500ms"),
        ("smtp.host", "127.0.0.1"),
        ("smtp.port", &smtp_port),
        ("smtp.tls", "none"),
        ("smtp.timeout", "4s"),
        ("smtp.acceptance_timeout", "6s"),
        ("http.shutdown_timeout", "10s"),
        // So that the connections of a burst are gone when they are counted.
        ("http.keep_alive", "5s"),
        ("postgres.connect_timeout", "2s"),
        ("postgres.statement_timeout", "3s"),
        ("redis.timeout", "1s"),
        ("rabbitmq.confirm_timeout", "3s"),
        ("rabbitmq.retry_delays", "1s,2s,4s"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    settings.into_iter().chain(off).collect()
}

/// Where it is told who has activated.
pub fn webhook(port: u16) -> Settings {
    let url = format!("http://127.0.0.1:{port}/hooks");
    let settings = [
        ("webhooks.url", url.as_str()),
        ("webhooks.secret", SECRET),
        ("webhooks.events", "user.activated"),
        ("webhooks.timeout", "4s"),
        ("webhooks.allow_private_addresses", "true"),
    ];
    settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// What the ledger needs to know of [`common`], which asks for so many accepted registrations.
pub fn terms(enough: usize) -> Terms {
    Terms {
        attempts: ATTEMPTS,
        guesses: GUESSES,
        window: Duration::from_mins(1),
        answer_bounds: AnswerBounds {
            register: 3 * REDIS + HASH + POSTGRES + BUSY,
            resend: 4 * REDIS + HASH + 2 * POSTGRES + BUSY,
            activate: 6 * REDIS + HASH + 3 * POSTGRES + BUSY,
        },
        enough,
    }
}
