//! The dependency arrows: `domain` ← `adapters` ← `settings` ← binaries, and no circle within a
//! crate.
//!
//! What a service does knows the domain only, so that every technology can be replaced in a `main`
//! or its `wiring`. A broken arrow fails the check with a sentence that says which, and how to look
//! at it.

mod circles;
mod error;
mod module_tree;
mod packages;
mod source;
mod sources;

use std::fs;

pub(crate) use error::ArrowError;

use crate::workspace;

/// One TLS stack, rustls with ring: none of these may be anywhere in the workspace.
const BANNED: [&str; 6] =
    ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring"];

/// Checks them all, and names every one that is broken.
pub(crate) fn check() -> Result<(), ArrowError> {
    let packages = packages::in_workspace()?;
    let mut errors = packages::check(&packages)?;
    errors.extend(banned_packages()?);
    let crates = workspace::root().join("crates");
    for service in ["registration-api", "email-worker"] {
        errors.extend(sources::check(&crates.join(service), &packages)?);
    }
    for package in packages.iter().filter(|package| *package != "xtask") {
        errors.extend(circles::check(&crates.join(package))?);
    }
    errors.extend(circles::check(&workspace::root().join("xtask"))?);
    if !errors.is_empty() {
        return Err(ArrowError::Several(errors));
    }
    eprintln!("xtask: the dependency arrows hold");
    Ok(())
}

fn banned_packages() -> Result<Vec<ArrowError>, ArrowError> {
    let lock = workspace::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock)
        .map_err(|source| ArrowError::Read { path: lock.display().to_string(), source })?;
    Ok(BANNED.into_iter().filter(|name| is_locked(name, &text)).map(ArrowError::Banned).collect())
}

/// Whether a Cargo.lock has the package: for any platform and feature, used or not.
fn is_locked(name: &str, lock: &str) -> bool {
    lock.lines().any(|line| line == format!("name = \"{name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_package_is_found_in_a_lock_file() {
        let lock = "[[package]]\nname = \"openssl-probe\"\nversion = \"1\"\ndependencies = [\n \"openssl\",\n]\n";
        assert!(!is_locked("openssl", lock));
        assert!(is_locked("openssl", "name = \"openssl\"\n"));
    }
}
