//! What `doctor` looks at in the worker.

use adapters::{otlp, postgres, rabbitmq, redis, smtp};
use email_worker::doctor;
use process::doctor::Examination;
use settings::Settings;

/// Starts every check.
pub(crate) fn examine(settings: &Settings, examination: &mut Examination) {
    examination.diagnose("postgres", settings.postgres.options(), postgres::diagnose);
    let prefix = settings.redis.key_prefix.clone();
    let redis = |options| redis::diagnose(options, prefix);
    examination.diagnose("redis", settings.redis.options(), redis);
    examination.diagnose("rabbitmq", settings.rabbitmq.options(), rabbitmq::diagnose);
    let server = settings.smtp.server().and_then(|server| settings.smtp_options(server));
    examination.diagnose("smtp", server, smtp::diagnose);
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
