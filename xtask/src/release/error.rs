//! Why a release was not made, or does not work.

use std::path::PathBuf;

use crate::packages::PackageError;
use crate::process::ProcessError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReleaseError {
    #[error("cannot use {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{program}` failed. It said:\n{output}")]
    Failed { program: String, output: String },
    #[error("{program} said what is not expected: {said}")]
    Unexpected { program: &'static str, said: String },
    #[error(
        "the package is tried out on a systemd in namespaces, which needs root or passwordless sudo, and \
         does not run here ({problem}). It said:\n{log}"
    )]
    Machine { problem: String, log: String },
    #[error("the package does not do what it has to: {0}")]
    Refuted(String),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl ReleaseError {
    /// Names the file that could not be used.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// An error with what was seen instead, unless `condition` holds.
pub(super) fn require(
    condition: bool,
    sentence: impl FnOnce() -> String,
) -> Result<(), ReleaseError> {
    if condition { Ok(()) } else { Err(ReleaseError::Refuted(sentence())) }
}
