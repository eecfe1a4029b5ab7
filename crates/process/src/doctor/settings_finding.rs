//! What is said of the settings.

use domain::Finding;
use settings::SettingsError;

pub(super) const CHECK: &str = "settings";

/// The sentence of an error says which setting it is about.
pub(super) fn refusal(error: &SettingsError) -> Finding {
    Finding::error(
        CHECK,
        error.to_string(),
        "`registration-api defaults` and `standalone defaults` explain every setting",
    )
}

pub(super) fn all_well() -> Finding {
    Finding::ok(CHECK, "all of them can be used")
}
