//! Which packages may depend on which, directly or through others.

use std::collections::BTreeSet;
use std::fs;

use super::error::ArrowError;
use crate::workspace;

/// What only adapters may be made of.
pub(super) const TECHNOLOGIES: [&str; 11] = [
    "argon2",
    "diesel",
    "diesel-async",
    "lapin",
    "lettre",
    "libsqlite3-sys",
    "opentelemetry-proto",
    "opentelemetry_sdk",
    "redis",
    "reqwest",
    "tokio-postgres",
];

/// What the domain, beside the technologies, must do without.
const FRAMEWORKS: [&str; 4] = ["actix-web", "serde", "serde_json", "tokio"];

/// What the project's own commands must do without: they are compiled before everything else. They
/// may read JSON.
const SERVER_FRAMEWORKS: [&str; 2] = ["actix-web", "tokio"];

/// What the standalone binary must not bring in: the technologies of the distributed deployment.
const DISTRIBUTED: [&str; 3] = ["lapin", "redis", "tokio-postgres"];

/// A package, and what it may depend on.
struct Arrow {
    package: &'static str,
    features: &'static str,
    /// The packages of the workspace that it may depend on.
    may: &'static [&'static str],
    /// Those that its tests may use beside.
    tests_may: &'static [&'static str],
    /// What it must not depend on, of other packages.
    forbidden: &'static [&'static [&'static str]],
}

const ALL: &str = "--all-features";
/// Without the feature `bin`: the library of a service.
const LIBRARY: &str = "--no-default-features";

const ARROWS: [Arrow; 21] = [
    arrow("domain", ALL, &[], &[]).without(&[&TECHNOLOGIES, &FRAMEWORKS]),
    arrow("build-info", ALL, &[], &[]).without(&[&TECHNOLOGIES, &FRAMEWORKS]),
    arrow("test-support", ALL, &[], &[]),
    arrow("test-servers", ALL, &[], &["test-support"]).without(&[&TECHNOLOGIES, &FRAMEWORKS]),
    arrow("inbox", ALL, &["supervisor"], &["test-support"]),
    arrow("supervisor", ALL, &[], &[]).without(&[&TECHNOLOGIES]),
    arrow("spans", ALL, &["domain"], &[]).without(&[&TECHNOLOGIES]),
    arrow("acceptance", ALL, &["inbox", "supervisor", "test-support"], &[]),
    arrow(
        "faults",
        ALL,
        &["acceptance", "inbox", "supervisor", "test-servers", "test-support"],
        &[],
    ),
    arrow(
        "clusters",
        ALL,
        &["acceptance", "faults", "inbox", "supervisor", "test-servers", "test-support"],
        &[],
    ),
    arrow("adapters", ALL, &["domain", "spans", "supervisor"], &["test-servers", "test-support"]),
    arrow("settings", LIBRARY, &["domain"], &[]).without(&[&TECHNOLOGIES]),
    arrow("settings", ALL, &["adapters", "domain", "spans", "supervisor"], &["test-support"]),
    arrow("process", ALL, &["domain", "settings", "spans", "supervisor"], &["test-support"])
        .without(&[&TECHNOLOGIES]),
    arrow(
        "registration-api",
        LIBRARY,
        &["domain", "process", "settings", "spans", "supervisor"],
        &["test-support"],
    )
    .without(&[&TECHNOLOGIES]),
    arrow(
        "registration-api",
        ALL,
        &["adapters", "build-info", "domain", "process", "settings", "spans", "supervisor"],
        &["test-support"],
    ),
    arrow(
        "email-worker",
        LIBRARY,
        &["domain", "process", "settings", "spans", "supervisor"],
        &["test-support"],
    )
    .without(&[&TECHNOLOGIES]),
    arrow(
        "email-worker",
        ALL,
        &["adapters", "build-info", "domain", "process", "settings", "spans", "supervisor"],
        &["test-support"],
    ),
    arrow(
        "standalone",
        ALL,
        &[
            "adapters",
            "build-info",
            "domain",
            "email-worker",
            "inbox",
            "process",
            "registration-api",
            "settings",
            "spans",
            "supervisor",
        ],
        &["test-support"],
    )
    .without(&[&DISTRIBUTED]),
    arrow("bench", ALL, &["test-servers", "test-support"], &[]),
    arrow("xtask", ALL, &["test-servers"], &[]).without(&[&TECHNOLOGIES, &SERVER_FRAMEWORKS]),
];

const fn arrow(
    package: &'static str,
    features: &'static str,
    may: &'static [&'static str],
    tests_may: &'static [&'static str],
) -> Arrow {
    Arrow { package, features, may, tests_may, forbidden: &[] }
}

/// Finds the packages of the workspace that depend on what they must not.
pub(super) fn check(workspace: &[String]) -> Result<Vec<ArrowError>, ArrowError> {
    let has_arrow =
        |package: &&String| ARROWS.iter().any(|arrow| arrow.package == package.as_str());
    let mut errors: Vec<_> = workspace
        .iter()
        .filter(|package| !has_arrow(package))
        .map(|package| ArrowError::NoArrow(package.clone()))
        .collect();
    for arrow in &ARROWS {
        if workspace.iter().any(|package| package == arrow.package) {
            errors.extend(arrow.check(workspace)?);
        } else {
            errors.push(ArrowError::NoPackage(arrow.package));
        }
    }
    Ok(errors)
}

/// The packages of the workspace: each has its name's folder.
pub(super) fn in_workspace() -> Result<Vec<String>, ArrowError> {
    let folder = workspace::root().join("crates");
    let unreadable = |source| ArrowError::Read { path: folder.display().to_string(), source };
    let mut names = vec!["xtask".to_owned()];
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

impl Arrow {
    const fn without(mut self, forbidden: &'static [&'static [&'static str]]) -> Self {
        self.forbidden = forbidden;
        self
    }

    fn check(&self, workspace: &[String]) -> Result<Vec<ArrowError>, ArrowError> {
        let tree = self.tree("normal,build")?;
        let mut forbidden = self.forbidden_in(&packages(&tree), workspace, self.may);
        // The tests of a library are those of its package: they are looked at once, with all
        // features.
        if forbidden.is_empty() && self.features == ALL {
            let tree = self.tree("normal,build,dev")?;
            let used = packages(&tree)
                .into_iter()
                .filter(|used| workspace.iter().any(|name| name == used));
            forbidden =
                self.forbidden_in(&used.collect(), workspace, &[self.may, self.tests_may].concat());
        }
        Ok(forbidden)
    }

    fn forbidden_in(
        &self,
        used: &BTreeSet<&str>,
        workspace: &[String],
        may: &[&str],
    ) -> Vec<ArrowError> {
        let is_allowed = |name: &str| name == self.package || may.contains(&name);
        let is_forbidden = |name: &str| {
            let is_ours = workspace.iter().any(|package| package == name);
            (is_ours && !is_allowed(name))
                || self.forbidden.iter().any(|names| names.contains(&name))
        };
        let error = |on: &str| ArrowError::Forbidden {
            package: self.package,
            on: on.to_owned(),
            look: format!("cargo tree -p {} {} -i {on}", self.package, self.features),
        };
        used.iter().copied().filter(|name| is_forbidden(name)).map(error).collect()
    }

    fn tree(&self, edges: &str) -> Result<String, ArrowError> {
        let arguments =
            ["tree", "-p", self.package, self.features, "-e", edges, "--prefix", "none"];
        let failed = |problem: String| ArrowError::Tree {
            command: format!("cargo {}", arguments.join(" ")),
            problem,
        };
        let output = workspace::cargo()
            .args(arguments)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The packages that `cargo tree --prefix none` lists, one per line: `name vVERSION …`.
fn packages(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(used: &str) -> Vec<String> {
        let arrow = arrow("inner", ALL, &["domain"], &[]).without(&[&["redis", "serde"]]);
        let workspace = ["domain", "inner", "outer"].map(str::to_owned);
        let errors = arrow.forbidden_in(&packages(used), &workspace, arrow.may);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_the_allowed_packages_of_the_workspace_may_be_used() {
        assert_eq!(found("inner v1 (/src/inner)\ndomain v1 (/src/domain)\ntokio v1\n"), [""; 0]);
        let found = found("inner v1\nouter v1 (/src/outer) (*)\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("cargo tree -p inner --all-features -i outer"), "{found:?}");
    }

    #[test]
    fn a_forbidden_package_is_found_by_its_whole_name() {
        assert_eq!(found("redis-like v1.0.0\nserde_json v1.0.0\n"), [""; 0]);
        assert_eq!(found("redis v1.0.0\nserde v1.0.0 (*)\n").len(), 2);
    }
}
