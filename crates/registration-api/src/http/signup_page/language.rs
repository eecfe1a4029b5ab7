//! The languages of the page. To add one, write its file beside `en.json` and name it twice here.

use std::collections::BTreeMap;

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

    /// The language that a reader prefers among those there are (RFC 9110 section 12.5.4), by the
    /// values of `Accept-Language`.
    pub(super) fn negotiate<'a>(values: impl Iterator<Item = &'a str>) -> &'static Self {
        let ranges = values.flat_map(|value| value.split(',')).filter_map(weigh);
        // Of the same weight the first one, which `max_by` would not return.
        let preferred = ranges.reduce(|best, other| if other.1 > best.1 { other } else { best });
        preferred.map_or(&LANGUAGES[0], |(language, _)| language)
    }

    /// Its texts by name.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        // A test reads every file.
        serde_json::from_str(self.json).unwrap_or_default()
    }
}

/// The language that a range asks for, whatever its region, and how much.
fn weigh(range: &str) -> Option<(&'static Language, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next()?.split('-').next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q="));
    let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
    Language::find(&tag).map(|language| (language, weight)).filter(|(_, weight)| *weight > 0.0)
}
