//! `[mail]`: the mails themselves.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    from: String,
    pub product: String,
}

impl MailSettings {
    /// Name and address of the sender, from `Name <address>` or an address alone.
    pub fn sender(&self) -> (String, String) {
        match self.from.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().to_owned(), address.trim().to_owned()),
            None => (String::new(), self.from.trim().to_owned()),
        }
    }
}
