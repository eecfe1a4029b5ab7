//! A mail that the mail server has accepted.

use super::At;

/// One copy of a mail: a duplicate is a second one with the same Message-ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The recipient.
    pub to: String,
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// The code in it.
    pub code: String,
    /// When it was accepted.
    pub at: At,
    /// Whether the server has told the sender so; the network may have lost that yet.
    pub told: bool,
}

impl Copy {
    /// The user and the number of the code, from the Message-ID `<user>.<number>@<domain>`.
    pub fn issue(&self) -> Option<(&str, u64)> {
        let (local, _) = self.message_id.split_once('@')?;
        let (user, number) = local.rsplit_once('.')?;
        Some((user, number.parse().ok()?))
    }
}
