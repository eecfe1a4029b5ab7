//! Takes the fields out of a body or a query and collects their errors.

use std::borrow::Cow;

use domain::{EmailAddress, EmailAddressError};
use serde_json::Value;

use crate::http::problem::{FieldError, Problem};
use crate::http::texts::FieldText;

/// The most unknown fields that are reported by name.
const MOST_UNKNOWN: usize = 10;

/// The fields of a JSON object, or the parameters of a query, and the errors found in them so far.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<(String, Value)>,
    pub(super) errors: Vec<FieldError>,
}

impl Fields {
    pub(super) fn new(fields: Vec<(String, Value)>) -> Self {
        Self { fields, errors: Vec::new() }
    }

    /// The parameters of a query (`application/x-www-form-urlencoded`: a `+` means a space).
    pub(crate) fn of_query(query: &str) -> Self {
        let parameters = url::form_urlencoded::parse(query.as_bytes());
        Self::new(parameters.map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Takes the string at `pointer`, a `/` and the field's name. A field that occurs twice is an
    /// error, since readers disagree on which one counts (RFC 8259 section 4). Fields not asked for
    /// are ignored.
    pub(crate) fn take_string(&mut self, pointer: &'static str) -> Option<String> {
        let (code, detail) = match self.take(pointer) {
            (Some(Value::String(text)), false) => return Some(text),
            (None, _) => ("missing", FieldText::Missing),
            (Some(_), true) => ("duplicate", FieldText::Duplicate),
            (Some(_), false) => ("wrong-type", FieldText::NotAString),
        };
        self.add_error(pointer, code, detail);
        None
    }

    /// The same, where the field may be missing.
    pub(crate) fn take_optional_string(&mut self, pointer: &'static str) -> Option<String> {
        let is_given = self.fields.iter().any(|(name, _)| *name == pointer[1..]);
        if is_given { self.take_string(pointer) } else { None }
    }

    /// Takes the address at `pointer`.
    pub(crate) fn take_email(&mut self, pointer: &'static str) -> Option<EmailAddress> {
        let error = match EmailAddress::parse(&self.take_string(pointer)?) {
            Ok(email) => return Some(email),
            Err(error) => error,
        };
        let code = match error {
            EmailAddressError::Empty => "email-empty",
            EmailAddressError::TooLong => "email-too-long",
            EmailAddressError::LocalPartNotAscii => "email-not-ascii",
            EmailAddressError::Malformed => "email-malformed",
        };
        self.add_error(pointer, code, FieldText::Email(error));
        None
    }

    /// Makes an error of each field whose name is not among `known`: a client that passes one
    /// expects it to have a meaning.
    pub(crate) fn refuse_others(&mut self, known: &[&str]) {
        let mut unknown: Vec<String> = Vec::new();
        for (name, _) in &self.fields {
            if !known.contains(&name.as_str()) && !unknown.contains(name) {
                unknown.push(name.clone());
            }
        }
        for name in unknown.iter().take(MOST_UNKNOWN) {
            self.add_error(point_to(name), "unknown", FieldText::Unknown);
        }
    }

    /// The first value with a name, and whether there is another.
    fn take(&mut self, pointer: &str) -> (Option<Value>, bool) {
        let mut values = self
            .fields
            .iter_mut()
            .filter(|(name, _)| *name == pointer[1..])
            .map(|(_, value)| value);
        let (first, second) = (values.next(), values.next());
        (first.map(Value::take), second.is_some())
    }

    /// Records an error in the field at `pointer`.
    pub(crate) fn add_error(
        &mut self,
        pointer: impl Into<Cow<'static, str>>,
        code: &'static str,
        detail: FieldText,
    ) {
        self.errors.push(FieldError { pointer: pointer.into(), code, detail });
    }

    /// Whether no errors were found.
    pub(crate) fn are_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The answer that reports the errors of a body.
    pub(crate) fn into_problem(self) -> Problem {
        Problem::validation_failed(self.errors)
    }

    /// The answer that reports the errors of a path or a query.
    pub(crate) fn into_target_problem(self) -> Problem {
        Problem::invalid_target(self.errors)
    }
}

/// A JSON pointer to a field of this name (RFC 6901 section 3).
fn point_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
