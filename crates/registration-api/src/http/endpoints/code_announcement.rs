//! The answer that announces a code, or says that there may be one.

use serde::Serialize;
use utoipa::ToSchema;

/// A code is on its way, or may be.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeAnnouncement {
    /// The address that mails are sent to.
    #[schema(format = "email", examples("ada@example.com"))]
    pub(super) email: String,
    /// A human-readable note on what happens next.
    #[schema(examples(
        "A code is on its way. Send it back within 60 seconds after it is mailed."
    ))]
    pub(super) message: String,
}
