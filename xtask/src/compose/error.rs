//! Why the deployment could not be proven.

use std::path::PathBuf;
use std::time::Duration;

use crate::npm::NpmError;
use crate::packages::PackageError;
use crate::process::ProcessError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error(
        "a container engine needs root: run `cargo xtask compose` as root, or with `--images official` where \
         Docker is at hand"
    )]
    NotRoot,
    #[error("no container engine can run here ({problem}). The end of its log:\n{log}")]
    Engine { problem: String, log: String },
    #[error("cannot enter the network of the engine: {0}")]
    Network(#[source] std::io::Error),
    #[error("`--images official` needs Docker with Compose on the PATH: {0}")]
    NoDocker(#[source] Box<ComposeError>),
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{program}` took longer than {limit:.0?}. It said:\n{output}")]
    Deadline { program: String, limit: Duration, output: String },
    #[error("`{program}` failed. It said:\n{output}")]
    Failed { program: String, output: String },
    #[error("{program} said what is not expected: {said}")]
    Unexpected { program: &'static str, said: String },
    #[error("waited {limit:.0?} for {what}; last seen: {seen}")]
    Waited { what: String, limit: Duration, seen: String },
    #[error("{scenario}: {source}")]
    Scenario { scenario: &'static str, source: Box<ComposeError> },
    #[error("{0}")]
    Refuted(String),
    #[error("no answer from {url}: {problem}")]
    Http { url: String, problem: String },
    #[error(transparent)]
    Npm(#[from] NpmError),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl ComposeError {
    /// Names the file that could not be written.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// An error with what was seen instead, unless `condition` holds.
pub(super) fn require(
    condition: bool,
    sentence: impl FnOnce() -> String,
) -> Result<(), ComposeError> {
    if condition { Ok(()) } else { Err(ComposeError::Refuted(sentence())) }
}
