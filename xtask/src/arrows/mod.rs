//! The dependency arrows: `domain` ← `adapters` ← binaries.
//!
//! The services' libraries know `domain` only, so that every technology can be replaced in a `main` or its
//! `wiring`. A broken arrow fails the check with a sentence that says which, and how to look at it.

mod sources;

use std::collections::BTreeSet;
use std::process::Command;

use crate::workspace;

/// The technologies that only adapters may know.
const TECHNOLOGIES: [&str; 7] =
    ["adapters", "diesel", "diesel-async", "redis", "lapin", "lettre", "libsqlite3-sys"];

/// A package and what it must not depend on, directly or through others.
struct Arrow {
    package: &'static str,
    features: &'static [&'static str],
    forbidden: &'static [&'static str],
    because: &'static str,
}

const ARROWS: [Arrow; 6] = [
    Arrow {
        package: "domain",
        features: &["--all-features"],
        forbidden: &["actix-web", "tokio", "serde", "serde_json", "settings", "process"],
        because: "the domain does no I/O and knows no framework",
    },
    Arrow {
        package: "registration-api",
        features: &["--no-default-features"],
        forbidden: &["email-worker"],
        because: "the library of a service knows the domain only; adapters belong to its binary (feature `bin`)",
    },
    Arrow {
        package: "email-worker",
        features: &["--no-default-features"],
        forbidden: &["registration-api"],
        because: "the library of a service knows the domain only; adapters belong to its binary (feature `bin`)",
    },
    Arrow {
        package: "settings",
        features: &["--no-default-features"],
        forbidden: &["registration-api", "email-worker", "process"],
        because: "settings know no service; adapters come with the features that a binary's wiring asks for",
    },
    Arrow {
        package: "process",
        features: &["--all-features"],
        forbidden: &["registration-api", "email-worker"],
        because: "what the main functions share knows none of the services and no adapter",
    },
    Arrow {
        package: "adapters",
        features: &["--all-features"],
        forbidden: &["registration-api", "email-worker", "standalone", "settings", "process"],
        because: "adapters implement the domain's ports and know no service",
    },
];

/// One TLS stack, rustls with ring: none of these may be anywhere in the workspace.
const BANNED: [&str; 6] = ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring"];

/// A broken arrow, or why the arrows could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArrowError {
    #[error("`{package}` depends on `{on}`, but {because}. To see the way:\n\n    {look}\n")]
    Forbidden { package: &'static str, on: &'static str, because: &'static str, look: String },
    #[error(
        "`{0}` is in Cargo.lock, but the only TLS stack is rustls with ring. To see who brings it:\n\n    \
         cargo tree --workspace --all-features --target all -e all -i {0}\n"
    )]
    Banned(&'static str),
    #[error(
        "{place} names the crate `adapters`, but only main.rs and the module `wiring` of a service may; \
         take the port (a trait of `domain`) instead"
    )]
    Named { place: String },
    #[error("cannot run `{command}`: {problem}")]
    Tree { command: String, problem: String },
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: std::io::Error },
}

/// Checks them all; the first broken one is the error.
pub(crate) fn check() -> Result<(), ArrowError> {
    for arrow in &ARROWS {
        arrow.check()?;
    }
    let lock = workspace::root().join("Cargo.lock");
    let text = std::fs::read_to_string(&lock)
        .map_err(|source| ArrowError::Read { path: lock.display().to_string(), source })?;
    if let Some(banned) = first_of(&BANNED, &locked_packages(&text)) {
        return Err(ArrowError::Banned(banned));
    }
    for service in ["registration-api", "email-worker"] {
        sources::check(&workspace::root().join("crates").join(service).join("src"))?;
    }
    eprintln!("xtask: the dependency arrows hold");
    Ok(())
}

impl Arrow {
    fn check(&self) -> Result<(), ArrowError> {
        let tree = self.tree()?;
        let packages = tree_packages(&tree);
        let technologies: &[&str] = if self.package == "adapters" { &[] } else { &TECHNOLOGIES };
        match first_of(technologies, &packages).or_else(|| first_of(self.forbidden, &packages)) {
            None => Ok(()),
            Some(on) => Err(ArrowError::Forbidden {
                package: self.package,
                on,
                because: self.because,
                look: format!("cargo {} -i {on}", self.arguments().join(" ")),
            }),
        }
    }

    fn arguments(&self) -> Vec<&'static str> {
        [&["tree", "-p", self.package], self.features, &["-e", "normal"]].concat()
    }

    fn tree(&self) -> Result<String, ArrowError> {
        let mut command: Command = workspace::cargo();
        command.args(self.arguments()).args(["--prefix", "none"]);
        let failed = |problem: String| ArrowError::Tree {
            command: format!("cargo {}", self.arguments().join(" ")),
            problem,
        };
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The packages that `cargo tree --prefix none` lists, one a line: `name vVERSION …`.
fn tree_packages(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// The packages of a Cargo.lock: for every platform and feature, used or not.
fn locked_packages(lock: &str) -> BTreeSet<&str> {
    lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect()
}

fn first_of(names: &[&'static str], packages: &BTreeSet<&str>) -> Option<&'static str> {
    names.iter().copied().find(|name| packages.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_package_is_found_by_its_whole_name() {
        let packages = tree_packages("domain v0.1.0 (/src/domain)\nredis-like v1.0.0\nserde v1.0.0 (*)\n");
        assert_eq!(first_of(&["redis", "serde"], &packages), Some("serde"));
        assert_eq!(first_of(&TECHNOLOGIES, &packages), None);
    }

    #[test]
    fn a_banned_package_is_found_in_a_lock_file() {
        let lock =
            "[[package]]\nname = \"openssl-probe\"\nversion = \"1\"\ndependencies = [\n \"openssl\",\n]\n";
        assert_eq!(first_of(&BANNED, &locked_packages(lock)), None);
        assert_eq!(first_of(&BANNED, &locked_packages("name = \"openssl\"\n")), Some("openssl"));
    }

    #[test]
    fn a_broken_arrow_says_how_to_look() {
        let Some(arrow) = ARROWS.iter().find(|arrow| arrow.package == "registration-api") else {
            panic!("no arrow for registration-api")
        };
        assert_eq!(arrow.arguments().join(" "), "tree -p registration-api --no-default-features -e normal");
    }
}
