//! Takes the fields out of a body and collects their errors.

use serde_json::Value;

use crate::http::problem::{FieldError, Problem};
use crate::http::texts::FieldText;

/// The fields of a JSON object, and the errors found in them so far.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<(String, Value)>,
    pub(super) errors: Vec<FieldError>,
}

impl Fields {
    pub(super) fn new(fields: Vec<(String, Value)>) -> Self {
        Self { fields, errors: Vec::new() }
    }

    /// Takes the string at `pointer`, a `/` and the field's name. A field that occurs twice is an
    /// error, since readers disagree on which one counts (RFC 8259 section 4). Fields not asked for
    /// are ignored.
    pub(crate) fn take_string(&mut self, pointer: &'static str) -> Option<String> {
        let mut values = self
            .fields
            .iter_mut()
            .filter(|(name, _)| *name == pointer[1..])
            .map(|(_, value)| value);
        let (first, second) = (values.next(), values.next());
        let (code, detail) = match (first.map(Value::take), second) {
            (Some(Value::String(text)), None) => return Some(text),
            (None, _) => ("missing", FieldText::Missing),
            (Some(_), Some(_)) => ("duplicate", FieldText::Duplicate),
            (Some(_), None) => ("wrong-type", FieldText::NotAString),
        };
        self.add_error(pointer, code, detail);
        None
    }

    /// Takes the string at `pointer` like [`Self::take_string`], if the field is there.
    pub(crate) fn take_optional_string(&mut self, pointer: &'static str) -> Option<String> {
        let is_there = self.fields.iter().any(|(name, _)| *name == pointer[1..]);
        if is_there { self.take_string(pointer) } else { None }
    }

    /// Whether an error was found.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Records an error in the field at `pointer`.
    pub(crate) fn add_error(
        &mut self,
        pointer: &'static str,
        code: &'static str,
        detail: FieldText,
    ) {
        self.errors.push(FieldError { pointer, code, detail });
    }

    /// The answer that reports the errors.
    pub(crate) fn into_problem(self) -> Problem {
        Problem::validation_failed(self.errors)
    }
}
