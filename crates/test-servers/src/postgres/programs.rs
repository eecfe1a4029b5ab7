//! The programs of the newest installed version.

use std::path::{Path, PathBuf};

use crate::error::ServerError;
use crate::process::find_program;

pub(super) const NAME: &str = "PostgreSQL";
pub(super) const PACKAGE: &str = "postgresql";

/// Debian keeps them off the PATH, a folder for each version.
pub(super) fn find(name: &'static str) -> Result<PathBuf, ServerError> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    find_program(name, &folders)
        .ok_or(ServerError::NotInstalled { program: name, package: PACKAGE })
}

fn version_of(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_told_by_number() {
        let version = |path: &str| version_of(Path::new(path));
        assert!(version("/usr/lib/postgresql/17/bin") > version("/usr/lib/postgresql/9/bin"));
        assert_eq!(version("/usr/lib/postgresql/main/bin"), None);
    }
}
