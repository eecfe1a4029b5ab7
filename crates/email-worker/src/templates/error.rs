//! Why mails cannot be rendered: one sentence each.

use std::io;

/// Why the mails cannot be rendered. The sentences go on after the name of a setting and "cannot be
/// used:".
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The name goes into the subject, which is a single line.
    #[error("the product name must be 1 to 60 characters without control characters")]
    ProductName,
    /// Not a colour, or one in another notation.
    #[error("the accent colour must be written as # and six hexadecimal digits, such as #4f5bd5")]
    AccentColor,
    /// Too long for the foot of a mail, or not text.
    #[error(
        "the footer must be at most 500 characters, with no control characters but line breaks"
    )]
    Footer,
    /// Readers and autofill could mistake it for the code.
    #[error("it must not contain a number of {0} or more digits: it could be taken for the code")]
    NameLooksLikeCode(usize),
    /// Readers and autofill could mistake it for the code.
    #[error("it must not contain a number of {0} digits: it could be taken for the code")]
    FooterLooksLikeCode(usize),
    /// Readers and autofill could mistake it for the code.
    #[error("mails would say {0:?}, of which the number could be taken for the code")]
    WindowLooksLikeCode(String),
    /// There are no texts in it.
    #[error("there are no templates in this language; there are in {0}")]
    DefaultLanguage(String),
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// A folder is not named after a language.
    #[error("{path} is not named after a language (BCP 47), such as fr or pt-BR")]
    NotALanguage {
        /// The folder.
        path: String,
    },
    /// A file that no mail would use.
    #[error("{path} is not the name of a template; these are: {known}")]
    UnknownFile {
        /// The file.
        path: String,
        /// All names.
        known: String,
    },
    /// A language that is not built in lacks a file.
    #[error("the language {language} has no {missing}: one that is not built in needs every file")]
    Missing {
        /// The language.
        language: String,
        /// The file.
        missing: &'static str,
    },
    /// A template does not compile or render.
    #[error("{origin}, line {line}: {reason}")]
    Broken {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A subject of more than one line, or none.
    #[error("{0} must be one line of 1 to 200 characters")]
    Subject(String),
    /// A mail that helps nobody.
    #[error("{0} does not show the code: it needs {{{{ code }}}}, whole and unchanged")]
    NoCode(String),
    /// Readers and autofill could mistake it for the code.
    #[error("{origin} shows the number {number}, which could be taken for the code")]
    TextLooksLikeCode {
        /// The file.
        origin: String,
        /// The number.
        number: String,
    },
}

impl TemplateError {
    /// The setting that has to be changed.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::ProductName | Self::NameLooksLikeCode(_) => "mail.product_name",
            Self::AccentColor => "mail.accent_color",
            Self::Footer | Self::FooterLooksLikeCode(_) => "mail.footer",
            Self::WindowLooksLikeCode(_) => "code.window",
            Self::DefaultLanguage(_) => "mail.default_language",
            Self::Unreadable { .. }
            | Self::NotALanguage { .. }
            | Self::UnknownFile { .. }
            | Self::Missing { .. }
            | Self::Broken { .. }
            | Self::Subject(_)
            | Self::NoCode(_)
            | Self::TextLooksLikeCode { .. } => "mail.templates_dir",
        }
    }
}
