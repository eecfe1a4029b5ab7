//! The key that every process needs.

use domain::Finding;
use settings::Settings;

use super::examination::Examination;

impl Examination {
    /// Notes whether codes can be derived.
    pub fn note_code_key(&mut self, settings: &Settings) {
        if self.usable(settings.code.keys()).is_none() {
            return;
        }
        let message = if settings.code.has_previous_keys() {
            "it can be used, and so can the previous ones: remove code.previous_keys a day after \
             the change"
        } else {
            "it can be used"
        };
        self.note(Finding::ok("code.key", message));
    }
}
