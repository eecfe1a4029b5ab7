//! The settings, every wrong one of them.

use domain::Finding;
use settings::{Settings, Sources};

use super::examination::Examination;
use super::settings_finding::{CHECK, refusal};
use crate::logs;

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
