//! The arrows that cargo cannot see: which modules of a service may name what.
//!
//! With the feature `bin`, every module could name an adapter; and what a use case may depend on is
//! less than what HTTP may.

use std::path::Path;

use super::error::ArrowError;
use super::module_tree::{ModulePath, ModuleTree};
use super::packages::TECHNOLOGIES;

/// Where a service is put together, and where its settings become options: these may name adapters.
const OUTER: [&str; 3] = ["main", "wiring", "settings"];

/// What a service does: it knows the domain, and of its own crate only modules like itself.
const INNER: [&str; 10] = [
    "admission",
    "deliver_code",
    "limits",
    "outbox_relay",
    "password_policy",
    "purge",
    "refusals",
    "sending_lease",
    "templates",
    "use_cases",
];

/// The packages that these may name: what they are about, and a way to say what takes their time.
const INNER_MAY_USE: [&str; 2] = ["domain", "spans"];

/// What these may name of their own crate beside each other.
const INNER_MAY_NAME: [&str; 1] = ["metrics"];

/// Finds the names that a module of the service in `folder` must not have; `packages` are those of
/// the workspace.
pub(super) fn check(folder: &Path, packages: &[String]) -> Result<Vec<ArrowError>, ArrowError> {
    let mut errors = Vec::new();
    for tree in ModuleTree::of_package(folder)? {
        for (path, module) in &tree.modules {
            errors.extend(module.source.all_paths().filter_map(|named| {
                let (name, because) = forbidden(&tree, path, &named.segments, packages)?;
                let place = format!("{}:{}", module.name(), named.line);
                Some(ArrowError::Named { place, name, because })
            }));
        }
    }
    Ok(errors)
}

/// What `named` names that the module at `path` must not know, and why.
fn forbidden(
    tree: &ModuleTree,
    path: &ModulePath,
    named: &[String],
    packages: &[String],
) -> Option<(String, &'static str)> {
    let area = tree.area(path);
    if tree.absolute(path, named).is_some() {
        let definition = tree.definition(path, named)?;
        let other = tree.area(&definition);
        let is_free =
            !INNER.contains(&area) || INNER.contains(&other) || INNER_MAY_NAME.contains(&other);
        return (!is_free).then(|| {
            (format!("crate::{other}"), "what a service does must not know how it is reached")
        });
    }
    let name = named.first()?;
    let is_technology = is_one_of(name, &TECHNOLOGIES) || name == "adapters";
    if INNER.contains(&area) {
        let is_allowed = INNER_MAY_USE.contains(&name.as_str());
        let is_outside = name.starts_with("actix") || (!is_allowed && is_one_of(name, packages));
        (is_technology || is_outside)
            .then(|| (name.clone(), "what a service does knows `domain` and `spans` only"))
    } else {
        (is_technology && !OUTER.contains(&area)).then(|| {
            (
                name.clone(),
                "only main.rs, `wiring` and `settings` may; take a port (a trait of `domain`)",
            )
        })
    }
}

/// Whether `name` in code is a crate that Cargo knows as one of `packages`.
fn is_one_of(name: &str, packages: &[impl AsRef<str>]) -> bool {
    packages.iter().any(|package| package.as_ref().replace('-', "_") == name)
}

#[cfg(test)]
mod tests {
    use super::super::module_tree::tests::package;
    use super::*;

    fn errors(files: &[(&str, &str)]) -> Vec<String> {
        let package = package(files);
        let root = format!("{}/src/", package.path().display());
        let packages =
            ["domain", "adapters", "process", "spans", "email-worker"].map(str::to_owned);
        let errors = check(package.path(), &packages).unwrap();
        errors.iter().map(|error| error.to_string().replace(&root, "")).collect()
    }

    #[test]
    fn only_what_puts_a_service_together_may_name_an_adapter_or_its_technology() {
        let uses = "use adapters::redis::Options; use lapin::Connection;";
        let allowed = [
            ("main.rs", &*format!("mod wiring; {uses}")),
            ("wiring/mod.rs", &*format!("mod stores; {uses}")),
            ("wiring/stores.rs", uses),
            ("lib.rs", "mod settings; mod http;"),
            ("settings.rs", uses),
            ("http.rs", "use process::Health; fn f() { let adapters = []; /* adapters::redis */ }"),
        ];
        assert_eq!(errors(&allowed), [""; 0]);
        let found = errors(&[
            ("lib.rs", "mod http;"),
            ("http.rs", "fn f() {\n::diesel_async::f();\nadapters::g() }"),
        ]);
        assert!(found[0].starts_with("http.rs:2 names `diesel_async`"), "{found:?}");
        assert!(found[1].starts_with("http.rs:3 names `adapters`"), "{found:?}");
        assert_eq!(errors(&[("lib.rs", "pub use adapters;")]).len(), 1);
    }

    #[test]
    fn what_a_service_does_knows_the_domain_only() {
        let crate_root =
            ("lib.rs", "mod http; mod limits; mod metrics; mod use_cases; pub use limits::Limits;");
        let uses = "use crate::{Limits, metrics}; use super::limits; use domain::User; use spans::Span; use std::process::id;";
        let allowed = [
            crate_root,
            ("http.rs", ""),
            ("limits.rs", ""),
            ("metrics.rs", ""),
            ("use_cases.rs", uses),
        ];
        assert_eq!(errors(&allowed), [""; 0]);
        for outside in [
            "use process::Health;",
            "use email_worker::X;",
            "fn f(_: actix_web::Data) {}",
            "use crate::http;",
        ] {
            let files = [
                crate_root,
                ("http.rs", ""),
                ("limits.rs", outside),
                ("metrics.rs", ""),
                ("use_cases.rs", ""),
            ];
            assert_eq!(errors(&files).len(), 1, "{outside}");
        }
    }
}
