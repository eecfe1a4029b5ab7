//! Where identifiers come from.

use uuid::Uuid;

/// Makes identifiers. Injected, so that nothing else reads the clock or the random generator.
pub trait IdSource: Send + Sync {
    /// A new `UUIDv7` (RFC 9562 section 5.7).
    fn next_id(&self) -> Uuid;
}
