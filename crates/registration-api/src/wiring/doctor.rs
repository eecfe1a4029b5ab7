//! What `doctor` looks at in the distributed API.

use std::sync::Arc;

use adapters::{otlp, postgres, rabbitmq, redis, webhook};
use domain::ports::{BreachedPasswords, PasswordHasher};
use process::doctor::Examination;
use registration_api::{doctor, settings as api_settings};
use settings::Settings;

/// Starts every check.
pub(crate) fn examine(settings: &Settings, examination: &mut Examination) {
    examination.diagnose("postgres", settings.postgres.options(), postgres::diagnose);
    let prefix = settings.redis.key_prefix.clone();
    let redis = |options| redis::diagnose(options, prefix);
    examination.diagnose("redis", settings.redis.options(), redis);
    examination.diagnose("rabbitmq", settings.rabbitmq.options(), rabbitmq::diagnose);
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
