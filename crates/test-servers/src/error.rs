use std::path::PathBuf;
use std::time::Duration;

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
    /// It could not be asked to do something.
    #[error("`{command}` failed: {problem}")]
    Tool {
        /// What was run.
        command: String,
        /// What it said.
        problem: String,
    },
    /// It was asked, but does not do it.
    #[error("waited {limit:?} in vain for {what}")]
    InVain {
        /// What was to come about.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// It can have no disk of its own.
    #[error(
        "cannot mount a disk of {name}'s own ({problem}); run this as root, and in a container one that \
         may mount and has loop devices (`docker run --privileged`)"
    )]
    NoDisk {
        /// The server.
        name: &'static str,
        /// What failed.
        problem: String,
    },
    /// It was started on the disk that all programs share.
    #[error("{0} has no disk of its own; start it by `start_on_small_disk`")]
    SharedDisk(&'static str),
    /// A program could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
