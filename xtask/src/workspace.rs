//! Where the workspace lies and how its cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The folder that cargo puts the binaries in: the one that this program runs from, which follows
/// `CARGO_TARGET_DIR` and every other way to move it.
pub(crate) fn binaries() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().map(Path::to_path_buf).unwrap_or(own))
}

/// Cargo's target folder.
pub(crate) fn target() -> std::io::Result<PathBuf> {
    let binaries = binaries()?;
    Ok(binaries.parent().map(Path::to_path_buf).unwrap_or(binaries))
}

/// The cargo that runs this program, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // `cargo run` describes this package in its environment. Passed on, that would make build
    // scripts that watch these variables run again, and rebuild what depends on them.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn the_images_are_labelled_with_the_version() {
        let dockerfile = fs::read_to_string(super::root().join("deploy/Dockerfile")).unwrap();
        let version = dockerfile.lines().find_map(|line| line.strip_prefix("ARG VERSION="));
        assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn the_container_is_built_with_the_pinned_toolchain() {
        let toolchain = fs::read_to_string(super::root().join("rust-toolchain.toml")).unwrap();
        let pinned = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap();
        let dockerfile = fs::read_to_string(super::root().join("deploy/Dockerfile")).unwrap();
        let built_with =
            dockerfile.lines().find_map(|line| line.strip_prefix("ARG RUST_VERSION=")).unwrap();
        assert_eq!(pinned.trim_matches('"'), built_with);
    }
}
