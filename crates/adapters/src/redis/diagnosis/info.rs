//! What INFO answers: sections of `name:value`.

use std::collections::HashMap;

/// What the server says of itself.
pub(super) struct Info(HashMap<String, String>);

impl Info {
    pub(super) fn parse(answer: &str) -> Self {
        let pairs = answer.lines().filter_map(|line| line.trim().split_once(':'));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Empty if the server does not say.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Zero if the server does not say.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }
}
