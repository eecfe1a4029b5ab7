use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::ProcessError;

/// Whether somebody asked this program to stop: SIGINT (Ctrl-C), SIGTERM or SIGHUP.
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes these signals over, for the rest of the process.
    pub fn catch() -> Result<Self, ProcessError> {
        let interrupt = Self::never();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&interrupt.0))
                .map_err(ProcessError::Signals)?;
        }
        Ok(interrupt)
    }

    /// For a program that leaves these signals as they are: they end it, and with it the servers.
    pub fn never() -> Self {
        Self(Arc::default())
    }

    /// An error once a signal has arrived.
    pub fn check(&self) -> Result<(), ProcessError> {
        if self.0.load(Ordering::Relaxed) { Err(ProcessError::Interrupted) } else { Ok(()) }
    }
}
