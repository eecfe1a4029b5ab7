//! What scenarios share within a run.

use std::time::Duration;

use test_servers::Interrupt;

use crate::system::{Servers, Sink};

/// Servers, mail server, and what was found out before.
pub struct Context<'a> {
    /// The servers.
    pub servers: &'a Servers,
    /// The mail server.
    pub sink: &'a Sink,
    /// Whether somebody wants us to stop.
    pub interrupt: &'a Interrupt,
    /// How long each load lasts.
    pub duration: Duration,
    /// Registrations per second at saturation, once they are known in this run.
    pub saturation: Option<f64>,
}
