//! Why a binary ends with a failure, in words for the person who started it.

use std::error::Error;
use std::net::SocketAddr;

use domain::ErrorChain;
use settings::SettingsError;

/// Why a process ended: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An address is taken, or not one of this machine.
    #[error("cannot listen on {address}: {source}; {advice}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
        /// What to do about it.
        advice: &'static str,
    },
    /// The operating system denies threads or signal handlers.
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    /// What was asked for cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] std::io::Error),
    /// What one binary alone can meet.
    #[error("{}", ErrorChain(&**.0))]
    Failed(Box<dyn Error + Send + Sync>),
}

impl StartError {
    /// An error of the binary's own.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}
