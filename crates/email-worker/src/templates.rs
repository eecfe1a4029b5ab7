//! The templates of the mails, compiled into the binary.
//!
//! In a mail with a code, the code is the only number of its length, so that people, scripts and
//! autofill find it. Templates must never load anything from the network: that would tell a third
//! party who reads the mail.

use std::time::Duration;

use domain::{CodeLength, VerificationCode};
use minijinja::{Environment, UndefinedBehavior, Value, context};

/// Each mail has a subject, a plain text and an HTML version, which extends the layout. The
/// extension decides about escaping: values are escaped in `.html` only.
const SOURCES: [(&str, &str); 7] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("code.subject.txt", include_str!("../templates/code.subject.txt")),
    ("code.txt", include_str!("../templates/code.txt")),
    ("code.html", include_str!("../templates/code.html")),
    (
        "registration_repeated.subject.txt",
        include_str!("../templates/registration_repeated.subject.txt"),
    ),
    ("registration_repeated.txt", include_str!("../templates/registration_repeated.txt")),
    ("registration_repeated.html", include_str!("../templates/registration_repeated.html")),
];

/// What the mails of one deployment have in common.
#[derive(Debug, Clone)]
pub struct TemplateOptions {
    /// The name of the product that people sign up for.
    pub product_name: String,
    /// How long a code is valid.
    pub window: Duration,
    /// How many digits a code has.
    pub code_length: CodeLength,
}

/// Why the mails cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The name goes into the subject, which is a single line.
    #[error("the product name must be 1 to 60 characters without control characters")]
    ProductName,
    /// Readers and autofill could mistake it for the code.
    #[error("the product name and the window must not contain a number of {0} or more digits")]
    LooksLikeCode(usize),
    /// A template does not compile or render.
    #[error("a mail template is broken")]
    Render(#[from] minijinja::Error),
}

/// A mail without its recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailContent {
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
    environment: Environment<'static>,
    product: String,
    window: String,
}

impl Templates {
    /// Compiles the templates and checks that nothing else in a mail could be mistaken for its
    /// code.
    pub fn new(options: &TemplateOptions) -> Result<Self, TemplateError> {
        let product = options.product_name.trim().to_owned();
        if product.is_empty()
            || product.chars().count() > 60
            || product.chars().any(char::is_control)
        {
            return Err(TemplateError::ProductName);
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in SOURCES {
            environment.add_template(name, source)?;
        }
        let templates = Self { environment, product, window: say_duration(options.window) };
        templates.reject_code_lookalikes(options.code_length.digits())?;
        Ok(templates)
    }

    /// The mail with a code.
    pub fn code(&self, code: &VerificationCode) -> Result<MailContent, TemplateError> {
        self.render_mail("code", code.expose())
    }

    /// The mail that tells the owner of an account that someone tried to register their address.
    pub fn registration_repeated(&self) -> Result<MailContent, TemplateError> {
        self.render_mail("registration_repeated", "")
    }

    fn render_mail(&self, name: &str, code: &str) -> Result<MailContent, TemplateError> {
        let (product, window) = (self.product.as_str(), self.window.as_str());
        let render = |form: &str, values: Value| -> Result<String, TemplateError> {
            Ok(self.environment.get_template(&format!("{name}.{form}"))?.render(values)?)
        };
        // The subject is rendered without the code, so that no template can put it there.
        let subject = render("subject.txt", context! { product, window })?;
        let values = context! { product, window, code, subject => subject.as_str() };
        Ok(MailContent {
            text: render("txt", values.clone())?,
            html: render("html", values)?,
            subject,
        })
    }

    fn reject_code_lookalikes(&self, digits: usize) -> Result<(), TemplateError> {
        let without_code = self.render_mail("code", "")?;
        let is_number =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= digits);
        if is_number(&without_code.text) {
            return Err(TemplateError::LooksLikeCode(digits));
        }
        Ok(())
    }
}

/// A duration in words, rounded down.
fn say_duration(window: Duration) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let (amount, unit) = match window.as_secs() {
        0 => return "a moment".to_owned(),
        60 => (1, "minute"),
        seconds @ 1..120 => (seconds, "second"),
        seconds @ 120..7200 => (seconds / 60, "minute"),
        seconds => (seconds / 3600, "hour"),
    };
    let number = usize::try_from(amount)
        .ok()
        .and_then(|index| WORDS.get(index))
        .map_or_else(|| amount.to_string(), |word| (*word).to_owned());
    let plural = if amount == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_given_in_words() {
        let cases = [
            (0, "a moment"),
            (1, "one second"),
            (45, "45 seconds"),
            (60, "one minute"),
            (90, "90 seconds"),
            (150, "two minutes"),
            (1_800, "30 minutes"),
            (3_600, "60 minutes"),
            (7_200, "two hours"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(say_duration(Duration::from_secs(seconds)), expected);
        }
    }
}
