//! The languages of the page. To add one, write its file beside `en.json` and name it twice here.

use std::collections::BTreeMap;

use domain::Languages;

/// A language that the page speaks.
#[derive(Debug)]
pub(super) struct Language {
    /// As HTML and HTTP name it (RFC 5646).
    pub(super) code: &'static str,
    /// As its speakers name it.
    pub(super) name: &'static str,
    json: &'static str,
}

/// The first one is for everybody whose language is missing.
pub(super) const LANGUAGES: [Language; 2] = [
    Language { code: "en", name: "English", json: include_str!("page/en.json") },
    Language { code: "fr", name: "Français", json: include_str!("page/fr.json") },
];

/// All texts, as the page's script reads them.
pub(super) const SCRIPT: &str = concat!(
    "export default { en: ",
    include_str!("page/en.json"),
    ", fr: ",
    include_str!("page/fr.json"),
    "};\n"
);

impl Language {
    /// The language of this code.
    pub(super) fn find(code: &str) -> Option<&'static Self> {
        LANGUAGES.iter().find(|language| language.code == code)
    }

    /// The best of those that a reader wants, or else the first one.
    pub(super) fn of(wanted: &Languages) -> &'static Self {
        wanted.look_up(|tag| Self::find(&tag.to_ascii_lowercase())).unwrap_or(&LANGUAGES[0])
    }

    /// Its texts by name.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        // A test reads every file.
        serde_json::from_str(self.json).unwrap_or_default()
    }
}
