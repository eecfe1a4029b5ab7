//! The languages that answers can be in.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, HeaderMap, HeaderValue, VARY};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::Languages;

/// A language that there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

/// A text in every language.
pub(crate) struct Translated<T> {
    pub(crate) en: T,
    pub(crate) fr: T,
}

impl<T> Translated<T> {
    /// The text in one of them.
    pub(crate) fn choose(self, language: Language) -> T {
        match language {
            Language::English => self.en,
            Language::French => self.fr,
        }
    }
}

impl Language {
    /// The best of those that a client's user wants, or else English.
    pub(crate) fn of(wanted: &Languages) -> Self {
        let known = |tag: &str| match tag.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "fr" => Some(Self::French),
            _ => None,
        };
        wanted.look_up(known).unwrap_or(Self::English)
    }

    /// An answer with texts in this language.
    pub(crate) fn respond(self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response.insert_header((CONTENT_LANGUAGE, self.tag()));
        response.append_header((VARY, "Accept-Language"));
        response
    }

    /// Says that an answer has texts in this language, and would have others for other clients (RFC
    /// 9110 sections 8.5 and 12.5.5).
    pub(crate) fn mark(self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(self.tag()));
        headers.append(VARY, HeaderValue::from_static("Accept-Language"));
    }

    fn tag(self) -> &'static str {
        Translated { en: "en", fr: "fr" }.choose(self)
    }
}
