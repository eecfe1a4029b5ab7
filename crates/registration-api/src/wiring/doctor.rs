//! What `doctor` looks at in the distributed API.

use std::sync::Arc;

use adapters::{otlp, postgres, rabbitmq, redis, webhook};
use domain::ports::{BreachedPasswords, PasswordHasher};
use process::doctor::Examination;
use registration_api::{doctor, settings as api_settings};
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
    if let Some(Some(options)) = examination.usable(settings.webhooks.options(&settings.events)) {
        examination.start("webhooks", webhook::diagnose(options));
    }
    if let Some(options) = settings.telemetry.options("registration-api", env!("CARGO_PKG_VERSION"))
    {
        examination.start("telemetry", otlp::diagnose(options));
    }
    examination.note_code_key(settings);
    doctor::examine(settings, examination);
    // Not asked: a made-up registration might have an effect.
    examination.usable(settings.registration.hook().map(drop));
    if let Some(address) = settings.product.listen.address(None) {
        examination.usable(api_settings::product_token(settings));
        doctor::examine_product_listener(address, examination);
    }
    let hasher = settings.hashing.start_pool(|_| ());
    let hasher = hasher.map(|pool| Arc::new(pool) as Arc<dyn PasswordHasher>);
    doctor::examine_hashing(hasher, settings, examination);
    let breached = settings.password.breached_passwords();
    let breached =
        breached.map(|client| client.map(|client| Arc::new(client) as Arc<dyn BreachedPasswords>));
    doctor::examine_breach_check(breached, settings, examination);
}
