//! What the settings mean for the worker, whichever adapters it is wired to.

use std::sync::Arc;

use domain::ports::{CodeStore, IdSource, Mailer, Suppressions, UserRepository};
use settings::{Settings, SettingsError};

use crate::{DeliverCode, DeliveryOptions, Refusals, TemplateOptions, Templates};

/// The handler, as the settings have it, on these stores and this mail server.
pub fn deliver_code(
    settings: &Settings,
    users: Arc<dyn UserRepository>,
    codes: Arc<dyn CodeStore>,
    suppressions: Arc<dyn Suppressions>,
    mailer: Arc<dyn Mailer>,
    ids: Arc<dyn IdSource>,
) -> Result<DeliverCode, SettingsError> {
    Ok(DeliverCode {
        users,
        codes,
        suppressions,
        mailer,
        refusals: Refusals::new(settings.smtp.give_up_after),
        ids,
        keys: Arc::new(settings.code.keys()?),
        templates: templates(settings)?,
        options: delivery_options(settings),
    })
}

/// How codes are issued.
fn delivery_options(settings: &Settings) -> DeliveryOptions {
    DeliveryOptions {
        code_length: settings.code.length,
        window: settings.code.window,
        attempts: settings.code.attempts.get(),
    }
}

/// The mails.
pub(crate) fn templates(settings: &Settings) -> Result<Templates, SettingsError> {
    let mail = &settings.mail;
    Templates::new(&TemplateOptions {
        product_name: mail.product_name.clone(),
        accent_color: mail.accent_color.clone(),
        footer: mail.footer.clone(),
        default_language: mail.default_language.clone(),
        directory: mail.templates_dir(),
        window: settings.code.window,
        code_length: settings.code.length,
    })
    .map_err(|error| SettingsError::invalid(error.setting(), format!("cannot be used: {error}")))
}
