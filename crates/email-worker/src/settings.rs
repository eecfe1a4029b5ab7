//! What the settings mean for the worker, whichever adapters it is wired to.

use service::settings::{Settings, SettingsError};

use crate::{DeliveryOptions, TemplateOptions, Templates};

/// How codes are issued.
pub fn delivery_options(settings: &Settings) -> Result<DeliveryOptions, SettingsError> {
    Ok(DeliveryOptions {
        code_length: settings.code.length()?,
        window: settings.code.window()?,
        attempts: settings.code.attempts,
    })
}

/// The mails.
pub fn templates(settings: &Settings) -> Result<Templates, SettingsError> {
    Templates::new(&TemplateOptions {
        product_name: settings.mail.product.clone(),
        window: settings.code.window()?,
        code_length: settings.code.length()?,
    })
    .map_err(|error| SettingsError::invalid("mail.product", format!("cannot be used: {error}")))
}
