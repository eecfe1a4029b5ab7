//! What `doctor` looks at in the standalone system.

use std::sync::Arc;
use std::time::Duration;

use adapters::sqlite::SqliteOptions;
use adapters::{otlp, smtp, sqlite, webhook};
use domain::Finding;
use domain::ports::{BreachedPasswords, PasswordHasher};
use process::doctor::Examination;
use registration_api::{doctor as api_doctor, settings as api_settings};
use settings::Settings;

use crate::data_directory::{self, DataDirectory};

/// How long the check waits for a running system that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts every check.
pub(crate) fn examine(settings: Settings, examination: &mut Examination) {
    let directory = settings.standalone.data_dir.clone();
    let path = DataDirectory::database_in(&directory);
    examination.start("data.directory", async move { data_directory::diagnose(&directory) });
    let options = SqliteOptions { path, busy_timeout: BUSY_TIMEOUT };
    examination.start("sqlite", sqlite::diagnose(options));
    examine_mails(&settings, examination);
    api_doctor::examine(&settings, examination);
    // Not asked: a made-up registration might have an effect.
    examination.usable(settings.registration.hook().map(drop));
    let hasher = settings.hashing.start_pool(|_| ());
    let hasher = hasher.map(|pool| Arc::new(pool) as Arc<dyn PasswordHasher>);
    api_doctor::examine_hashing(hasher, &settings, examination);
    let breached = settings.password.breached_passwords();
    let breached =
        breached.map(|client| client.map(|client| Arc::new(client) as Arc<dyn BreachedPasswords>));
    api_doctor::examine_breach_check(breached, &settings, examination);
    if let Some(Some(options)) = examination.usable(settings.webhooks.options(&settings.events)) {
        examination.start("webhooks", webhook::diagnose(options));
    }
    if let Some(options) = settings.telemetry.options("standalone", env!("CARGO_PKG_VERSION")) {
        examination.start("telemetry", otlp::diagnose(options));
    }
    if let Some(address) = super::product_address(&settings) {
        if settings.product.has_token() {
            examination.usable(api_settings::product_token(&settings));
        }
        api_doctor::examine_product_listener(address, examination);
    }
    note_code_key(settings, examination);
}

/// Where the mails go: to a server, or to the inbox.
fn examine_mails(settings: &Settings, examination: &mut Examination) {
    email_worker::doctor::examine(settings, examination);
    if settings.standalone.inbox && !settings.smtp.is_set() {
        let page = settings.standalone.inbox_listen;
        let message = format!("mails go to the inbox on {page}, until smtp.host is set");
        examination.note(Finding::ok("smtp.connection", message));
        return;
    }
    let server = settings.smtp.server().and_then(|server| settings.smtp_options(server));
    examination.diagnose("smtp", server, smtp::diagnose);
    email_worker::doctor::examine_sender(settings, examination);
}

/// The key that is set, or else that of the data directory.
fn note_code_key(mut settings: Settings, examination: &mut Examination) {
    const CHECK: &str = "code.key";
    if !settings.code.has_key() {
        match DataDirectory::existing_code_key(&settings.standalone.data_dir) {
            Ok(Some(key)) => settings.code.set_key(&key),
            Ok(None) => {
                return examination.note(Finding::ok(CHECK, "the first start will make one"));
            }
            Err(error) => {
                let advice = "let the user of this process read the file";
                return examination.note(Finding::error(CHECK, error.to_string(), advice));
            }
        }
    }
    examination.note_code_key(&settings);
}
