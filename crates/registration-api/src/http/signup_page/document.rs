//! The page as each reader gets it.

use std::collections::BTreeMap;
use std::fmt;

use domain::{CodeLength, PasswordLength};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use url::form_urlencoded;

use super::language::{LANGUAGES, Language};
use super::return_url::ReturnUrls;

const PAGE: &str = include_str!("page/page.html");

/// What the page says and where it leads.
#[derive(Debug, Clone)]
pub struct SignupOptions {
    /// What people sign up for.
    pub product: String,
    /// Where they can go once they have.
    pub return_urls: ReturnUrls,
}

/// The page, ready to be written for each reader.
pub(crate) struct SignupPage {
    templates: Environment<'static>,
    options: SignupOptions,
    window: u64,
    digits: usize,
    password_length: PasswordLength,
    has_challenge: bool,
}

impl fmt::Debug for SignupPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignupPage").field("options", &self.options).finish_non_exhaustive()
    }
}

impl SignupPage {
    /// A page for codes and passwords of these lengths. A code counts for `window` seconds.
    pub(crate) fn new(
        options: SignupOptions,
        window: u64,
        (code_length, password_length): (CodeLength, PasswordLength),
        has_challenge: bool,
    ) -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        let digits = code_length.digits();
        Self { templates, options, window, digits, password_length, has_challenge }
    }

    /// The page in one language, for a reader who asked to be led to `return_url` afterwards.
    pub(super) fn render(
        &self,
        language: &Language,
        return_url: Option<&str>,
    ) -> Result<String, minijinja::Error> {
        let languages: Vec<_> = LANGUAGES
            .iter()
            .map(|other| {
                let link = link(other, return_url);
                context! { code => other.code, name => other.name, link }
            })
            .collect();
        self.templates.render_str(
            PAGE,
            context! {
                language => language.code,
                languages,
                text => self.fill_in(language),
                product => &self.options.product,
                window => self.window,
                digits => self.digits,
                min => self.password_length.min,
                max => self.password_length.max,
                has_challenge => self.has_challenge,
                return_url => self.options.return_urls.choose(return_url),
            },
        )
    }

    /// The texts of a language with what is known of them already; the script fills in the rest.
    fn fill_in(&self, language: &Language) -> BTreeMap<String, String> {
        let places = [
            ("{digits}", self.digits.to_string()),
            ("{min}", self.password_length.min.to_string()),
            ("{max}", self.password_length.max.to_string()),
            ("{product}", self.options.product.clone()),
        ];
        let fill = |text: String| {
            places.iter().fold(text, |text, (place, value)| text.replace(place, value))
        };
        language.texts().into_iter().map(|(name, text)| (name, fill(text))).collect()
    }
}

/// Leads to the same page in another language.
fn link(language: &Language, return_url: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("lang", language.code);
    if let Some(url) = return_url {
        query.append_pair("return_url", url);
    }
    format!("?{}", query.finish())
}
