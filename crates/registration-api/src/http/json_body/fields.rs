//! Takes the fields out of a body and collects their errors.

use serde_json::Value;

use crate::http::problem::{FieldError, Problem};

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
            (None, _) => ("missing", "this field is required"),
            (Some(_), Some(_)) => ("duplicate", "this field occurs more than once"),
            (Some(_), None) => ("wrong-type", "a string is required"),
        };
        self.add_error(pointer, code, detail);
        None
    }

    /// Records an error in the field at `pointer`.
    pub(crate) fn add_error(
        &mut self,
        pointer: &'static str,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        self.errors.push(FieldError { pointer, code, detail: detail.into() });
    }

    /// The answer that reports the errors.
    pub(crate) fn into_problem(self) -> Problem {
        Problem::validation_failed(self.errors)
    }
}
