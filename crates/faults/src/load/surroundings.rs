//! Whom clients ask, and where their mails arrive.

use std::sync::Arc;

use crate::clock::Clock;
use crate::sink::Sink;

/// What clients need to know.
#[derive(Clone)]
pub struct Surroundings {
    /// The base URLs of all APIs.
    pub apis: Arc<[String]>,
    /// Where the mails arrive.
    pub sink: Sink,
    /// Tells the time.
    pub clock: Clock,
}
