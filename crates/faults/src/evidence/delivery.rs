//! An event that the webhook's receiver has taken.

use super::At;

/// One request to the receiver: a repetition is a second one with the same identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The identifier of the event.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// The user whom it is about.
    pub user: String,
    /// When it was taken.
    pub at: At,
    /// Whether the receiver has answered; the network may have lost that yet.
    pub told: bool,
    /// Whether the signature is that of the event.
    pub is_signed: bool,
}
