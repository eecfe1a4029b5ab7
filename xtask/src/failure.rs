//! The errors of all commands as one.

use test_servers::ServerError;

use crate::arrows::ArrowError;
use crate::compose::ComposeError;
use crate::packages::PackageError;
use crate::process::ProcessError;
use crate::python::ToolError;
use crate::release::ReleaseError;
use crate::valkey::ValkeyError;

/// Why a command failed; each variant's own text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Arrows(#[from] ArrowError),
    #[error("cannot prepare a folder for the servers: {0}")]
    Folder(#[source] std::io::Error),
    #[error(transparent)]
    Compose(#[from] ComposeError),
    #[error("cannot read deploy/kubernetes: {0}")]
    Kubernetes(#[source] std::io::Error),
    #[error(transparent)]
    Packages(#[from] PackageError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Release(#[from] ReleaseError),
    #[error(transparent)]
    Servers(#[from] ServerError),
    #[error("cannot list the test executables: {0}")]
    Tests(#[source] std::io::Error),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Valkey(#[from] ValkeyError),
}
