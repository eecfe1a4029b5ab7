//! What `doctor` looks at in every process that serves the API, whichever adapters it is wired to.

mod breach_check;
mod descriptors;
mod hashing;
mod product_listener;
mod trusted_proxies;

use std::net::SocketAddr;
use std::sync::Arc;

use domain::ports::{BreachedPasswords, PasswordHasher};
use process::descriptors::raise_limit;
use process::doctor::Examination;
use settings::{Settings, SettingsError};

use crate::settings::problems;

/// Adds the checks of the API itself.
pub fn examine(settings: &Settings, examination: &mut Examination) {
    for problem in problems(settings) {
        examination.usable::<()>(Err(problem));
    }
    examination.note(trusted_proxies::judge(&settings.http));
    examination.note(descriptors::judge(settings, raise_limit()));
    examination.start_listener_check("http.listen", settings.http.listen);
    if let Some(address) = settings.metrics.listen {
        examination.start_listener_check("metrics.listen", address);
    }
}

/// Adds the check of the address of the product's listener.
pub fn examine_product_listener(address: SocketAddr, examination: &mut Examination) {
    examination.start("product.listen", async move { vec![product_listener::judge(address)] });
}

/// Adds the check of what a hash costs here.
pub fn examine_hashing(
    hasher: Result<Arc<dyn PasswordHasher>, SettingsError>,
    settings: &Settings,
    examination: &mut Examination,
) {
    if let Some(hasher) = examination.usable(hasher) {
        let hashing = settings.hashing.clone();
        examination.start("hashing", async move { hashing::judge(&*hasher, &hashing).await });
    }
}

/// Adds the check of the collection of breached passwords, if one is asked.
pub fn examine_breach_check(
    breached: Result<Option<Arc<dyn BreachedPasswords>>, SettingsError>,
    settings: &Settings,
    examination: &mut Examination,
) {
    if let Some(Some(breached)) = examination.usable(breached) {
        let fails_open = settings.password.breach_fail_open;
        examination.start("password.breach_check", async move {
            vec![breach_check::judge(&*breached, fails_open).await]
        });
    }
}
