//! What `doctor` looks at in the worker.

use adapters::{otlp, postgres, rabbitmq, redis, smtp};
use email_worker::doctor;
use process::doctor::Examination;
use settings::Settings;

/// Starts every check.
pub(crate) fn examine(settings: &Settings, examination: &mut Examination) {
    if let Some(options) = examination.usable(settings.postgres.options()) {
        examination.start("postgres", postgres::diagnose(options));
    }
    if let Some(options) = examination.usable(settings.redis.options()) {
        let prefix = settings.redis.key_prefix.clone();
        examination.start("redis", redis::diagnose(options, prefix));
    }
    if let Some(options) = examination.usable(settings.rabbitmq.options()) {
        examination.start("rabbitmq", rabbitmq::diagnose(options));
    }
    let server = settings.smtp.server();
    if let Some(options) = examination.usable(server.and_then(|s| settings.smtp_options(s))) {
        examination.start("smtp", smtp::diagnose(options));
    }
    if let Some(options) = settings.telemetry.options("email-worker", env!("CARGO_PKG_VERSION")) {
        examination.start("telemetry", otlp::diagnose(options));
    }
    examination.note_code_key(settings);
    doctor::examine(settings, examination);
    doctor::examine_sender(settings, examination);
    if let Some(address) = settings.metrics.listen {
        examination.start_listener_check("metrics.listen", address);
    }
}
