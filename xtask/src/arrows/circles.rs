//! No two files of a crate need each other, be it through others: a reader can begin at a file that
//! needs none.
//!
//! A name counts where it is defined: a module that only passes names on (`pub use`) needs nobody
//! for that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::slice;

use super::error::ArrowError;
use super::module_tree::{ModulePath, ModuleTree};

/// Which modules a module names, and on which line first.
type Needs<'a> = BTreeMap<&'a [String], BTreeMap<ModulePath, usize>>;

/// Finds the circles of the package in `folder`: for each file in one, a shortest.
pub(super) fn check(folder: &Path) -> Result<Vec<ArrowError>, ArrowError> {
    let trees = ModuleTree::of_package(folder)?;
    Ok(trees.iter().flat_map(circles).collect())
}

fn circles(tree: &ModuleTree) -> Vec<ArrowError> {
    let needs = needs(tree);
    let mut reported = BTreeSet::new();
    let mut circles = Vec::new();
    for module in tree.modules.keys() {
        if reported.contains(module) {
            continue;
        }
        if let Some(circle) = shortest_circle(module, &needs) {
            circles.push(ArrowError::Circle { steps: describe(&circle, tree, &needs) });
            reported.extend(circle);
        }
    }
    circles
}

fn needs(tree: &ModuleTree) -> Needs<'_> {
    let mut needs = Needs::new();
    for (from, module) in &tree.modules {
        let imports = module.source.imports.iter().filter(|import| !import.is_reexport);
        for path in imports.map(|import| &import.path).chain(&module.source.paths) {
            match tree.definition(from, &path.segments) {
                Some(to) if to != *from => {
                    needs.entry(from).or_default().entry(to).or_insert(path.line);
                }
                _ => {}
            }
        }
    }
    needs
}

/// The shortest way from `start` back to itself: the modules on it, once each.
fn shortest_circle(start: &ModulePath, needs: &Needs<'_>) -> Option<Vec<ModulePath>> {
    let mut ways = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in
            way.last().and_then(|last| needs.get(&last[..])).into_iter().flat_map(BTreeMap::keys)
        {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back([&way[..], slice::from_ref(next)].concat());
            }
        }
    }
    None
}

/// A line a step: `a.rs:3 needs b.rs`.
fn describe(circle: &[ModulePath], tree: &ModuleTree, needs: &Needs<'_>) -> String {
    let file = |module: &ModulePath| tree.modules[module].name();
    let next = circle.iter().cycle().skip(1);
    let steps = circle.iter().zip(next).map(|(from, to)| {
        let line = needs[&from[..]][to];
        format!("    {}:{line} needs {}\n", file(from), file(to))
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::super::module_tree::tests::package;
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let package = package(files);
        let root = format!("{}/src/", package.path().display());
        let errors = check(package.path()).unwrap();
        errors.iter().map(|error| error.to_string().replace(&root, "")).collect()
    }

    #[test]
    fn a_circle_is_reported_once_with_its_steps() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "\nuse crate::b::B;"),
            ("b.rs", "fn f() { super::c::g() }"),
            ("c.rs", "use super::a;"),
            ("d.rs", "use super::a;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        let steps = "    a.rs:2 needs b.rs\n    b.rs:1 needs c.rs\n    c.rs:1 needs a.rs\n";
        assert!(found[0].ends_with(steps), "{}", found[0]);
    }

    #[test]
    fn a_module_that_only_passes_names_on_makes_no_circle() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::B; #[cfg(test)] mod tests { use crate::b::B; }"),
            ("b.rs", "#[cfg(test)] mod tests { use crate::A; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_module_that_needs_a_child_that_needs_it_makes_one() {
        let found =
            circles(&[("main.rs", "mod a; use a::f; struct S;"), ("a.rs", "use super::S;")]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
