//! A mail that lacks nothing but its code.

/// A text with gaps for the code: the template was rendered once, at the start.
#[derive(Debug)]
pub(super) struct TextWithGaps(Vec<String>);

/// Stands for a digit of the code while a template is rendered.
const MARK: char = '\u{f0de}';

/// What is rendered in place of a code with so many digits.
pub(super) fn placeholder(digits: usize) -> String {
    MARK.to_string().repeat(digits)
}

impl TextWithGaps {
    /// Cuts what a template has rendered with the placeholder. None if it did something else with
    /// the code than showing it.
    pub(super) fn new(rendered: &str, placeholder: &str) -> Option<Self> {
        let pieces: Vec<String> = rendered.split(placeholder).map(str::to_owned).collect();
        let is_whole = pieces.iter().all(|piece| !piece.contains(MARK));
        is_whole.then_some(Self(pieces))
    }

    /// How often the code is shown.
    pub(super) fn gaps(&self) -> usize {
        self.0.len() - 1
    }

    /// What is between the gaps.
    pub(super) fn pieces(&self) -> &[String] {
        &self.0
    }

    /// The text with this code.
    pub(super) fn fill(&self, code: &str) -> String {
        self.0.join(code)
    }
}

/// One mail in one language.
#[derive(Debug)]
pub(super) struct PreparedMail {
    pub(super) subject: String,
    pub(super) text: TextWithGaps,
    pub(super) html: TextWithGaps,
}
