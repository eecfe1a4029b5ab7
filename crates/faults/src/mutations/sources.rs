//! A copy of the sources, to be changed and built.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_servers::{Group, Interrupt, ProcessError, Signal};

/// Where the patches are.
pub(super) const PATCHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mutations");

/// The workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What of the workspace is not copied.
const NOT_COPIED: [&str; 2] = [".git", "target"];

/// Why a mutation was not tried, or not caught.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MutationError {
    #[error("cannot copy the sources: {0}")]
    Folder(#[source] io::Error),
    #[error("the patch {name} does not apply any more; make it anew: {problem}")]
    DoesNotApply { name: String, problem: String },
    #[error("the code with the patch {0} cannot be built; make it anew")]
    DoesNotBuild(String),
    #[error("the unchanged code does not pass the schedule of the mutations")]
    UnchangedFails,
    #[error("the ledger does not notice these mutations: {0}")]
    Unnoticed(String),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// The copy.
pub(super) struct Sources {
    folder: PathBuf,
    target: PathBuf,
}

impl Sources {
    /// Copies the workspace into a folder, which keeps what was built there before.
    pub(super) fn copy(folder: &Path) -> Result<Self, MutationError> {
        let sources = Self { folder: folder.join("sources"), target: folder.join("target") };
        if sources.folder.exists() {
            std::fs::remove_dir_all(&sources.folder).map_err(MutationError::Folder)?;
        }
        std::fs::create_dir_all(&sources.folder).map_err(MutationError::Folder)?;
        for entry in std::fs::read_dir(ROOT).map_err(MutationError::Folder)? {
            let entry = entry.map_err(MutationError::Folder)?;
            if !NOT_COPIED.iter().any(|name| entry.file_name() == *name) {
                // With its times: cargo builds only what has changed since the last check.
                let mut copy = Command::new("cp");
                copy.arg("--archive").arg(entry.path()).arg(&sources.folder);
                copy.status().map_err(MutationError::Folder)?;
            }
        }
        Ok(sources)
    }

    /// An error if a patch does not apply exactly.
    pub(super) fn check_patch(&self, name: &str) -> Result<(), MutationError> {
        self.patch(name, &["--dry-run"])
    }

    /// Applies a patch and builds the services. Returns where they are.
    pub(super) fn mutate(
        &self,
        name: &str,
        interrupt: &Interrupt,
    ) -> Result<PathBuf, MutationError> {
        self.patch(name, &[])?;
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--workspace", "--all-features"]);
        build.args(["--bin", "registration-api", "--bin", "email-worker", "--target-dir"]);
        build.arg(&self.target).current_dir(&self.folder);
        let status = Group::start(&mut build, Signal::INT)?.wait(interrupt)?;
        if status.success() {
            Ok(self.target.join("debug"))
        } else {
            Err(MutationError::DoesNotBuild(name.to_owned()))
        }
    }

    /// Takes a patch back.
    pub(super) fn revert(&self, name: &str) -> Result<(), MutationError> {
        self.patch(name, &["--reverse"])
    }

    fn patch(&self, name: &str, arguments: &[&str]) -> Result<(), MutationError> {
        let file = Path::new(PATCHES).join(format!("{name}.patch"));
        let mut patch = Command::new("patch");
        patch.args(["--strip=1", "--fuzz=0", "--force", "--input"]).arg(file).args(arguments);
        let output = patch.current_dir(&self.folder).output().map_err(MutationError::Folder)?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let problem = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
        Err(MutationError::DoesNotApply { name: name.to_owned(), problem })
    }
}
