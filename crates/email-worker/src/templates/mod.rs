//! The mails' texts, in every language.
//!
//! Templates are rendered once, at the start, with a gap where the code will be: so a broken one
//! ends the start, and a mail costs no more than putting its code in. To add a language, add a
//! folder with every file of `templates/en` in it; the build says what is missing.
//!
//! In a mail with a code, the code is the only number of its length, so that people, scripts and
//! autofill find it. Templates must never load anything from the network: that would tell a third
//! party who reads the mail.

mod branding;
mod error;
mod language;
mod numbers;
mod prepared;
mod sources;

use std::path::PathBuf;
use std::time::Duration;

use domain::{CodeLength, Languages, VerificationCode};

use self::branding::Branding;
pub use self::error::TemplateError;
use self::language::Language;
use self::prepared::PreparedMail;

/// What the mails of one deployment have in common.
#[derive(Debug, Clone)]
pub struct TemplateOptions {
    /// The name of the product that people sign up for.
    pub product_name: String,
    /// The colour of the product, as `#rrggbb`.
    pub accent_color: String,
    /// What stands below each mail, in lines; empty for nothing.
    pub footer: String,
    /// The language of mails to people who want none that there is.
    pub default_language: String,
    /// Where the operator's own templates are; the others are built in.
    pub directory: Option<PathBuf>,
    /// How long a code is valid.
    pub window: Duration,
    /// How many digits a code has.
    pub code_length: CodeLength,
}

/// A mail without its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailContent {
    /// The language it is in, as a tag of BCP 47.
    pub language: String,
    /// One line. Never contains the code: lock screens show subjects.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML version.
    pub html: String,
}

/// Renders the mails.
#[derive(Debug)]
pub struct Templates {
    languages: Vec<Language>,
    /// Its place among the languages.
    default: usize,
}

impl Templates {
    /// Renders everything but the codes, and checks that nothing else in a mail could be mistaken
    /// for its code.
    pub fn new(options: &TemplateOptions) -> Result<Self, TemplateError> {
        let digits = options.code_length.digits();
        let TemplateOptions { product_name, accent_color, footer, .. } = options;
        let branding = Branding::new(product_name, accent_color, footer, digits)?;
        let mut languages = Vec::new();
        for (tag, sources) in sources::load(options.directory.as_deref())? {
            languages.push(Language::prepare(&tag, &sources, &branding, options.window, digits)?);
        }
        let tags = languages.iter().map(|language| language.tag.as_str());
        let wanted = options.default_language.trim();
        let default = tags
            .clone()
            .position(|tag| tag.eq_ignore_ascii_case(wanted))
            .ok_or_else(|| TemplateError::DefaultLanguage(tags.collect::<Vec<_>>().join(", ")))?;
        Ok(Self { languages, default })
    }

    /// The mail with a code, in the best of these languages.
    pub fn code(&self, wanted: &Languages, code: &VerificationCode) -> MailContent {
        let language = self.choose(wanted);
        write(&language.tag, &language.code, code.expose())
    }

    /// The mail that tells the owner of an account that someone tried to register their address.
    pub fn registration_repeated(&self, wanted: &Languages) -> MailContent {
        let language = self.choose(wanted);
        write(&language.tag, &language.registration_repeated, "")
    }

    fn choose(&self, wanted: &Languages) -> &Language {
        let find =
            |tag: &str| self.languages.iter().find(|have| have.tag.eq_ignore_ascii_case(tag));
        wanted.look_up(find).unwrap_or(&self.languages[self.default])
    }
}

fn write(language: &str, mail: &PreparedMail, code: &str) -> MailContent {
    MailContent {
        language: language.to_owned(),
        subject: mail.subject.clone(),
        text: mail.text.fill(code),
        html: mail.html.fill(code),
    }
}
