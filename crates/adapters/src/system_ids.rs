//! Identifiers from the system's clock and random generator: the only place that reads them.

use domain::ports::IdSource;
use uuid::Uuid;

/// Makes `UUIDv7`s, in ascending order within the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "everything else takes its identifiers from here"
    )]
    fn next_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
