//! Which languages a reader wants, as they were asked for: which of them there are texts in is
//! decided where the texts are.

use std::fmt;

/// The name of a language, well-formed by BCP 47 (RFC 5646 section 2.2.9), in its usual letters:
/// `fr-CA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguageTag(String);

/// Why a text is not a language tag.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum LanguageTagError {
    /// Longer than any that people use.
    #[error("a language tag has at most {} characters", LanguageTag::MAX_LENGTH)]
    TooLong,
    /// Against the grammar of BCP 47.
    #[error("not a language tag (BCP 47), such as fr or pt-BR")]
    Malformed,
}

impl LanguageTag {
    /// What implementations must take at least (RFC 5646 section 4.4.1).
    pub const MAX_LENGTH: usize = 35;

    /// Reads a tag, in letters of any case.
    ///
    /// ```
    /// use domain::{LanguageTag, LanguageTagError};
    ///
    /// assert_eq!(LanguageTag::parse("FR-ca").unwrap().as_str(), "fr-CA");
    /// assert_eq!(LanguageTag::parse("français"), Err(LanguageTagError::Malformed));
    /// ```
    pub fn parse(text: &str) -> Result<Self, LanguageTagError> {
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(LanguageTagError::TooLong);
        }
        if !text.is_ascii() {
            return Err(LanguageTagError::Malformed);
        }
        let tag = language_tags::LanguageTag::parse(text);
        tag.map(|tag| Self(tag.into_string())).map_err(|_| LanguageTagError::Malformed)
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag and what it is cut down to, from the end, while nothing matches (RFC 4647 section
    /// 3.4). A subtag of one letter only announces the next one, and goes with it.
    fn truncations(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |range| {
            let (shorter, _) = range.rsplit_once('-')?;
            match shorter.rsplit_once('-') {
                Some((rest, last)) if last.len() == 1 => Some(rest),
                _ => Some(shorter),
            }
        })
    }
}

/// The languages that a reader wants, the best first: a language priority list (RFC 4647 section
/// 2.3). Empty if the reader has not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(Vec<LanguageTag>);

impl Languages {
    /// How many are kept: more would tell readers apart rather than help them.
    pub const MAX_COUNT: usize = 5;

    /// The first few, each once.
    pub fn new(tags: impl IntoIterator<Item = LanguageTag>) -> Self {
        let mut languages = Vec::new();
        for tag in tags {
            if languages.len() == Self::MAX_COUNT {
                break;
            }
            if !languages.contains(&tag) {
                languages.push(tag);
            }
        }
        Self(languages)
    }

    /// Languages as [`Display`](fmt::Display) wrote them. What another version has stored and this
    /// one does not understand is passed over: a mail in another language is better than none.
    pub fn from_stored(text: &str) -> Self {
        Self::new(text.split(',').filter_map(|tag| LanguageTag::parse(tag).ok()))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The best that there is, by lookup (RFC 4647 section 3.4); `find` returns what it has in
    /// exactly the given language, whose letters may be of any case. None if there is nothing in
    /// any of these languages.
    ///
    /// ```
    /// use domain::Languages;
    ///
    /// let find = |tag: &str| ["en", "fr"].into_iter().find(|have| have.eq_ignore_ascii_case(tag));
    /// assert_eq!(Languages::from_stored("de,fr-CA,en").look_up(find), Some("fr"));
    /// assert_eq!(Languages::from_stored("de").look_up(find), None);
    /// ```
    pub fn look_up<T>(&self, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        self.0.iter().flat_map(LanguageTag::truncations).find_map(&mut find)
    }
}

/// As a store keeps them: `fr-CA,en`.
impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, tag) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            f.write_str(tag.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_5646_well_formed_tags_are_taken_in_their_usual_letters() {
        for (text, tag) in [
            ("FR", "fr"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("zh-yue-HK", "zh-yue-HK"),
            ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
            ("es-419", "es-419"),
            ("en-a-myext-b-another", "en-a-myext-b-another"),
            ("x-whatever", "x-whatever"),
            ("i-klingon", "i-klingon"),
        ] {
            assert_eq!(LanguageTag::parse(text).unwrap().as_str(), tag);
        }
        for text in ["", " fr", "fr ", "*", "f", "fr-", "-fr", "fr--CA", "fr_CA", "fr;q=1", "de,fr"]
        {
            assert_eq!(LanguageTag::parse(text), Err(LanguageTagError::Malformed), "{text:?}");
        }
        let long = format!("en-x-{}", "abcdefgh-".repeat(4));
        assert_eq!(LanguageTag::parse(&long), Err(LanguageTagError::TooLong));
    }

    #[test]
    fn rfc_4647_a_range_is_cut_down_from_its_end() {
        let asked = |text| {
            let mut asked = Vec::new();
            Languages::from_stored(text).look_up(|tag| {
                asked.push(tag.to_owned());
                None::<()>
            });
            asked
        };
        // The example of section 3.4.
        assert_eq!(
            asked("zh-Hant-CN-x-private1-private2"),
            [
                "zh-Hant-CN-x-private1-private2",
                "zh-Hant-CN-x-private1",
                "zh-Hant-CN",
                "zh-Hant",
                "zh"
            ]
        );
        assert_eq!(asked("de-CH,fr"), ["de-CH", "de", "fr"]);
        assert!(asked("").is_empty());
    }

    #[test]
    fn only_the_first_few_are_kept_each_once() {
        let languages = Languages::from_stored("de,DE,fr,?,en,it,es,pt");
        assert_eq!(languages.to_string(), "de,fr,en,it,es");
    }

    proptest! {
        #[test]
        fn fuzz_no_text_makes_it_panic_and_what_is_taken_survives_the_store(text: String) {
            if let Ok(tag) = LanguageTag::parse(&text) {
                let languages = Languages::new([tag]);
                prop_assert_eq!(Languages::from_stored(&languages.to_string()), languages);
            }
        }

        #[test]
        fn fuzz_texts_that_look_like_tags_do_not_make_it_panic(text in "[a-zA-Z0-9*,_-]{0,40}") {
            let languages = Languages::from_stored(&text);
            prop_assert_eq!(Languages::from_stored(&languages.to_string()), languages.clone());
            languages.look_up(|_| None::<()>);
        }
    }
}
