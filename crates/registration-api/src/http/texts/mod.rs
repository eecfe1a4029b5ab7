//! What people read in answers, in every language of the API. Programs go by codes, which are the
//! same in all.
//!
//! To add a language, add it to [`Language`] and to [`Translated`]: then every text that it lacks
//! is an error of the compiler.

mod announcement;
mod detail;
mod field_text;
mod language;

pub(crate) use announcement::Announcement;
pub(crate) use detail::Detail;
pub(crate) use field_text::FieldText;
pub(crate) use language::{Language, Translated};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem_kind::ProblemKind;

    /// Every text that depends on nothing else.
    fn texts(language: Language) -> Vec<String> {
        let details = [
            Detail::Concealed,
            Detail::SeeErrors,
            Detail::CodeUsed,
            Detail::CodeReplaced,
            Detail::CodeWrong { attempts_left: 0 },
            Detail::CodeWrong { attempts_left: 1 },
            Detail::CodeWrong { attempts_left: 2 },
            Detail::CodeNotMailed,
            Detail::CodeTriedTooOften,
            Detail::AddressTriedTooOften,
            Detail::ClientTriedTooOften,
        ];
        let announcements = [
            Announcement::Code { seconds: 1 },
            Announcement::Code { seconds: 60 },
            Announcement::PerhapsCode,
            Announcement::AnotherCode { seconds: 60 },
            Announcement::PerhapsAnotherCode,
            Announcement::Active,
        ];
        let kinds = ProblemKind::ALL.iter();
        kinds
            .flat_map(|kind| [kind.title(language), kind.meaning(language)].map(str::to_owned))
            .chain(details.map(|detail| detail.text(language).into_owned()))
            .chain(announcements.map(|announcement| announcement.text(language)))
            .collect()
    }

    #[test]
    fn no_text_was_left_in_english() {
        for (english, french) in texts(Language::English).iter().zip(texts(Language::French)) {
            assert_ne!(english, &french);
        }
    }

    #[test]
    fn french_keeps_its_punctuation_on_the_line() {
        for text in texts(Language::French) {
            for mark in [" :", " ;", " !", " ?", "'"] {
                assert!(!text.contains(mark), "{mark:?} in {text}");
            }
        }
    }
}
