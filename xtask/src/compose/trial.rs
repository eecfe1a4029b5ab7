//! What every scenario works with.

use super::client::Client;
use super::project::Project;
use crate::process::Interrupt;

/// The deployment, and a client of it.
pub(super) struct Trial<'a> {
    pub(super) project: Project<'a>,
    pub(super) client: Client<'a>,
    pub(super) interrupt: &'a Interrupt,
    /// How many events the backlog has.
    pub(super) backlog: u64,
}
