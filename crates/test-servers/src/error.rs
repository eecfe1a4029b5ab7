use std::path::PathBuf;

use crate::process::ProcessError;

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Its folder cannot be written.
    #[error("cannot write to {}, where a server keeps its data: {source}", path.display())]
    Folder {
        /// What was to be written.
        path: PathBuf,
        /// Why it was not.
        source: std::io::Error,
    },
    /// Nothing to listen on.
    #[error("no port between 20000 and 30000 is free on the loopback address")]
    NoPort,
    /// Somebody else listens where the server did before.
    #[error("port {port} of {name} is in use by another program; stop that one and try again")]
    PortInUse {
        /// The server.
        name: &'static str,
        /// The port.
        port: u16,
    },
    /// It did not start, or ended.
    #[error("{name} {problem}. The end of its log:\n{log}")]
    NotReady {
        /// The server.
        name: &'static str,
        /// What it did instead.
        problem: String,
        /// The last lines of its log.
        log: String,
    },
    /// A program is missing.
    #[error("cannot find {program}; install the package {package}")]
    NotInstalled {
        /// The program.
        program: &'static str,
        /// The package of Debian or Ubuntu that brings it.
        package: &'static str,
    },
    /// A program could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
