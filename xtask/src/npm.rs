//! `dclint`, which comes from npm, under the target folder. `xtask/npm/dclint` pins it and what it
//! needs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::packages::{self, PackageError};
use crate::process::{self, Interrupt, ProcessError};
use crate::workspace;

const FILES: [(&str, &str); 2] = [
    ("package.json", include_str!("../npm/dclint/package.json")),
    ("package-lock.json", include_str!("../npm/dclint/package-lock.json")),
];

/// Why dclint is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NpmError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("cannot write to the target folder: {0}")]
    Folder(#[from] std::io::Error),
    #[error("dclint could not be installed from npm (xtask/npm names its version): {0}")]
    Install(#[from] ProcessError),
}

/// Where the program is, after it was installed if it was missing or of another version.
pub(crate) fn ensure_dclint(interrupt: &Interrupt) -> Result<PathBuf, NpmError> {
    let folder = workspace::target()?.join("npm/dclint");
    let program = folder.join("node_modules/.bin/dclint");
    // Written last: a folder without it was not finished.
    let installed = folder.join("installed.json");
    let [_, (_, lock)] = FILES;
    if program.is_file() && fs::read_to_string(&installed).is_ok_and(|text| text == lock) {
        return Ok(program);
    }
    packages::ensure(&packages::NODE, interrupt)?;
    fs::create_dir_all(&folder)?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text)?;
    }
    let mut install = Command::new("npm");
    install.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::succeed(&mut install, interrupt)?;
    fs::write(installed, lock)?;
    Ok(program)
}
