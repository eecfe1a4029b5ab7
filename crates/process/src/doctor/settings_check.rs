//! The settings, every wrong one of them.

use domain::Finding;
use settings::{Settings, SettingsError, Sources};

use super::examination::Examination;
use crate::logs;

const CHECK: &str = "settings";

/// Notes everything that is wrong. Returns the settings as far as they can be used: what cannot be
/// read has its default, so that the other checks say something too.
pub(super) fn check(sources: Sources, examination: &mut Examination) -> Option<Settings> {
    let (settings, mut errors) = sources.examine();
    errors.extend(settings.iter().filter_map(|settings| logs::filter(settings).err()));
    errors.iter().for_each(|error| examination.note_settings(refusal(error)));
    for key in settings.iter().flat_map(|settings| &settings.renamed) {
        examination.note_settings(Finding::warning(
            CHECK,
            format!("setting {} has a new name", key.old),
            format!("call it {}: the old name will not be read by the next version", key.new),
        ));
    }
    settings
}

/// The sentence of an error says which setting it is about.
pub(super) fn refusal(error: &SettingsError) -> Finding {
    Finding::error(CHECK, error.to_string(), "the command `defaults` explains every setting")
}

pub(super) fn all_well() -> Finding {
    Finding::ok(CHECK, "all of them can be used")
}
