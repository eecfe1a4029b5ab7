use test_servers::{ProcessError, ServerError};

/// Why a figure could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The arguments make no sense.
    #[error("{0}; try --help")]
    Arguments(String),
    /// A file, a folder, a socket or a thread.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A server is not there.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A service could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A service did not start.
    #[error("{service} did not become ready within {seconds} s. The end of its log:\n{log}")]
    NotReady {
        /// Its name.
        service: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// The last lines that it wrote.
        log: String,
    },
    /// The database does not answer.
    #[error("cannot ask the database: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// Something that was accepted has not been delivered.
    #[error(
        "{mails} mails and {rows} rows of the outbox are left {seconds} s after the load has ended"
    )]
    LeftBehind {
        /// Registrations without their mail.
        mails: usize,
        /// Rows of the outbox.
        rows: i64,
        /// How long it was waited.
        seconds: u64,
    },
    /// Nothing was measured.
    #[error("{0}")]
    NoResult(String),
}

impl BenchError {
    /// Names what was tried, for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
