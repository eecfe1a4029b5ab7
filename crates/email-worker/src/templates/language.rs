//! Renders the templates of one language, as far as they go without a code.

use std::time::Duration;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::branding::Branding;
use super::error::TemplateError;
use super::numbers::numbers;
use super::prepared::{PreparedMail, TextWithGaps, placeholder};
use super::sources::LanguageSources;

/// Everything that is mailed in one language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) tag: String,
    pub(super) code: PreparedMail,
    pub(super) registration_repeated: PreparedMail,
}

/// What the templates of one language are rendered with.
struct Renderer<'a> {
    tag: &'a str,
    sources: &'a LanguageSources,
    environment: Environment<'a>,
    branding: &'a Branding,
    digits: usize,
}

impl Language {
    pub(super) fn prepare(
        tag: &str,
        sources: &LanguageSources,
        branding: &Branding,
        window: Duration,
        digits: usize,
    ) -> Result<Self, TemplateError> {
        let renderer = Renderer::new(tag, sources, branding, digits)?;
        let (amount, unit) = measure(window);
        let window = renderer.render("window.txt", &context! { amount, unit })?.trim().to_owned();
        if numbers(&window).any(|number| number.len() == digits) {
            return Err(TemplateError::WindowLooksLikeCode(window));
        }
        let code = renderer.prepare("code", &window)?;
        for (form, text) in [("txt", &code.text), ("html", &code.html)] {
            if text.gaps() == 0 {
                return Err(TemplateError::NoCode(renderer.origin(&format!("code.{form}"))));
            }
        }
        renderer.reject_code_lookalikes("code.txt", &code.text)?;
        let registration_repeated = renderer.prepare("registration_repeated", &window)?;
        Ok(Self { tag: tag.to_owned(), code, registration_repeated })
    }
}

impl<'a> Renderer<'a> {
    /// Compiles the templates. The extension of a name decides about escaping: values are escaped
    /// in `.html` only.
    fn new(
        tag: &'a str,
        sources: &'a LanguageSources,
        branding: &'a Branding,
        digits: usize,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut renderer = Self { tag, sources, environment, branding, digits };
        for (name, source) in sources {
            let added = renderer.environment.add_template(name, &source.text);
            added.map_err(|error| renderer.explain(name, &error))?;
        }
        Ok(renderer)
    }

    /// The mail called `name`. Its subject is rendered without the code, so that no template can
    /// put it there: lock screens show subjects.
    fn prepare(&self, name: &str, window: &str) -> Result<PreparedMail, TemplateError> {
        let subject_name = format!("{name}.subject.txt");
        let product = self.branding.product.as_str();
        let subject = self.render(&subject_name, &context! { product, window })?.trim().to_owned();
        let is_one_line = !subject.is_empty() && !subject.contains(char::is_control);
        if !is_one_line || subject.chars().count() > 200 {
            return Err(TemplateError::Subject(self.origin(&subject_name)));
        }
        let code = placeholder(self.digits);
        let values = context! {
            product,
            window,
            code => code.as_str(),
            subject => subject.as_str(),
            language => self.tag,
            accent => self.branding.accent.as_str(),
            on_accent => self.branding.on_accent,
            footer => self.branding.footer.clone(),
        };
        let prepare_form = |form: &str| {
            let file = format!("{name}.{form}");
            let rendered = self.render(&file, &values)?;
            let text = TextWithGaps::new(rendered.trim(), &code);
            text.ok_or_else(|| TemplateError::NoCode(self.origin(&file)))
        };
        Ok(PreparedMail { text: prepare_form("txt")?, html: prepare_form("html")?, subject })
    }

    fn render(&self, name: &str, values: &Value) -> Result<String, TemplateError> {
        let template = self.environment.get_template(name);
        let rendered = template.and_then(|template| template.render(values));
        rendered.map_err(|error| self.explain(name, &error))
    }

    /// In a mail with a code, no other number may be as long as the code, and no longer one may
    /// come before it.
    fn reject_code_lookalikes(&self, name: &str, text: &TextWithGaps) -> Result<(), TemplateError> {
        for (index, piece) in text.pieces().iter().enumerate() {
            let is_suspicious = |number: &&str| {
                number.len() == self.digits || (index == 0 && number.len() > self.digits)
            };
            if let Some(number) = numbers(piece).find(is_suspicious) {
                let (origin, number) = (self.origin(name), number.to_owned());
                return Err(TemplateError::TextLooksLikeCode { origin, number });
            }
        }
        Ok(())
    }

    /// Where a template is from, for people.
    fn origin(&self, name: &str) -> String {
        self.sources.get(name).map_or_else(|| name.to_owned(), |source| source.origin.clone())
    }

    /// The innermost error tells what is wrong; those around it, which template led there.
    fn explain(&self, name: &str, error: &minijinja::Error) -> TemplateError {
        let mut innermost = error;
        while let Some(cause) =
            std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref())
        {
            innermost = cause;
        }
        let kind = innermost.kind();
        TemplateError::Broken {
            origin: self.origin(innermost.name().unwrap_or(name)),
            line: innermost.line().unwrap_or(1),
            reason: match innermost.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        }
    }
}

/// A duration in the largest unit that tells enough of it, rounded down. How it is said is up to
/// each language.
fn measure(window: Duration) -> (u64, &'static str) {
    match window.as_secs() {
        60 => (1, "minute"),
        seconds @ 0..120 => (seconds, "second"),
        seconds @ 120..7200 => (seconds / 60, "minute"),
        seconds => (seconds / 3600, "hour"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources;
    use super::*;

    fn said(tag: &str, seconds: u64) -> String {
        let sources = sources::load(None).unwrap();
        let branding = Branding::new("Acme", "#000000", "", 4).unwrap();
        let renderer = Renderer::new(tag, &sources[tag], &branding, 4).unwrap();
        let (amount, unit) = measure(Duration::from_secs(seconds));
        renderer.render("window.txt", &context! { amount, unit }).unwrap().trim().to_owned()
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        let cases = [
            (0, "a moment", "un instant"),
            (1, "one second", "une\u{a0}seconde"),
            (45, "45 seconds", "45\u{a0}secondes"),
            (60, "one minute", "une\u{a0}minute"),
            (90, "90 seconds", "90\u{a0}secondes"),
            (150, "two minutes", "deux\u{a0}minutes"),
            (1_800, "30 minutes", "30\u{a0}minutes"),
            (3_600, "60 minutes", "60\u{a0}minutes"),
            (7_200, "two hours", "deux\u{a0}heures"),
        ];
        for (seconds, english, french) in cases {
            assert_eq!(
                (said("en", seconds).as_str(), said("fr", seconds).as_str()),
                (english, french)
            );
        }
    }
}
