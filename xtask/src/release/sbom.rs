//! The software bill of materials of a binary, in the JSON of `CycloneDX`: every crate that is compiled into it,
//! with the features of the released binary, and which of them needs which.
//!
//! Made of what Cargo says, so that nothing has to be compiled: the program `cargo cyclonedx` would take
//! minutes, and comes from no registry as a binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::command::output;
use super::error::ReleaseError;
use super::lock;
use crate::workspace;

/// A crate, as `cargo tree` names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    license: String,
}

/// What is in a binary: its package first, and what each needs.
struct Contents {
    root: Package,
    needs: BTreeMap<Package, BTreeSet<Package>>,
}

/// The document about a program whose file has this SHA-256.
pub(super) fn describe(program: &str, sha256: &str) -> Result<Value, ReleaseError> {
    let mut tree = workspace::cargo();
    tree.args(["tree", "--locked", "--package", program, "--edges", "normal"]);
    tree.args(["--prefix", "depth", "--format", "\t{p}\t{l}\t"]);
    let said = output(&mut tree)?;
    let contents = parse(&said).ok_or(ReleaseError::Unexpected { program: "cargo tree", said })?;
    let path = workspace::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(ReleaseError::file(path))?;
    Ok(document(&contents, sha256, &lock))
}

/// Reads lines of depth, name with version, and licence. A package whose needs were listed before has
/// none below it.
fn parse(tree: &str) -> Option<Contents> {
    let mut above: Vec<Package> = Vec::new();
    let mut needs: BTreeMap<Package, BTreeSet<Package>> = BTreeMap::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.split('\t');
        let depth: usize = fields.next()?.parse().ok()?;
        let mut words = fields.next()?.split(' ');
        let package = Package {
            name: words.next()?.to_owned(),
            version: words.next()?.strip_prefix('v')?.to_owned(),
            // As crates wrote it before there was a standard.
            license: fields.next()?.replace('/', " OR "),
        };
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(package.clone());
        }
        needs.entry(package.clone()).or_default();
        above.push(package);
    }
    Some(Contents { root: above.into_iter().next()?, needs })
}

impl Package {
    /// Its name in the world of packages, <https://github.com/package-url/purl-spec>.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }

    fn component(&self, kind: &str, sha256: Option<&str>) -> Value {
        let hashes: Vec<_> =
            sha256.iter().map(|sum| json!({ "alg": "SHA-256", "content": sum })).collect();
        let purl = self.purl();
        json!({
            "type": kind,
            "bom-ref": purl,
            "name": self.name,
            "version": self.version,
            "purl": purl,
            "licenses": [{ "expression": self.license }],
            "hashes": hashes,
        })
    }
}

fn document(contents: &Contents, sha256: &str, lock: &str) -> Value {
    let Contents { root, needs } = contents;
    let checksums = lock::checksums(lock);
    let components: Vec<_> = needs
        .keys()
        .filter(|package| *package != root)
        .map(|package| {
            let sum = checksums.get(&(package.name.as_str(), package.version.as_str()));
            package.component("library", sum.copied())
        })
        .collect();
    let dependencies: Vec<_> = needs
        .iter()
        .map(|(package, on)| {
            json!({ "ref": package.purl(), "dependsOn": on.iter().map(Package::purl).collect::<Vec<_>>() })
        })
        .collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": root.component("application", Some(sha256)) },
        "components": components,
        "dependencies": dependencies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(document: &Value) -> BTreeSet<&str> {
        let components = document["components"].as_array().unwrap();
        components.iter().map(|component| component["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_bill_of_each_binary_names_what_is_in_it_and_nothing_else() {
        for (program, has, has_not) in [
            ("standalone", ["diesel", "domain", "lettre"], ["lapin", "redis", "ureq"]),
            ("registration-api", ["lapin", "redis", "actix-web"], ["lettre", "wiremock", "inbox"]),
            (
                "email-worker",
                ["lapin", "lettre", "minijinja"],
                ["utoipa-swagger-ui", "rcgen", "inbox"],
            ),
        ] {
            let document = describe(program, "0f").unwrap();
            let names = names(&document);
            for name in has {
                assert!(names.contains(name), "{name} is not in that of {program}");
            }
            for name in has_not {
                assert!(!names.contains(name), "{name} is in that of {program}");
            }
            assert_eq!(document["metadata"]["component"]["hashes"][0]["content"], "0f");
        }
    }

    #[test]
    fn whatever_is_needed_is_listed_and_what_comes_from_a_registry_has_a_checksum() {
        let document = describe("standalone", "0f").unwrap();
        let components = document["components"].as_array().unwrap();
        let listed: BTreeSet<_> =
            components.iter().map(|c| &c["bom-ref"]).map(Value::to_string).collect();
        let dependencies = document["dependencies"].as_array().unwrap();
        let needed = dependencies.iter().flat_map(|of| of["dependsOn"].as_array().unwrap());
        assert!(needed.clone().count() > components.len(), "there are hardly any edges");
        for needed in needed {
            assert!(listed.contains(&needed.to_string()), "{needed} is needed and not listed");
        }
        let crates = workspace::root().join("crates");
        for component in components {
            let is_ours = crates.join(component["name"].as_str().unwrap()).is_dir();
            let sum = component["hashes"][0]["content"].as_str().unwrap_or_default();
            assert_eq!(sum.len(), if is_ours { 0 } else { 64 }, "{component}");
        }
    }

    #[test]
    fn a_tree_is_read_with_its_edges() {
        let tree = "0\ta v1.0.0 (/a)\tMIT\t\n1\tb v2.0.0\tMIT/Apache-2.0\t\n2\tc v3.0.0 (proc-macro)\tMIT\t\n\
                    1\tc v3.0.0 (proc-macro)\tMIT\t (*)\n";
        let contents = parse(tree).unwrap();
        let edges: Vec<_> = contents
            .needs
            .iter()
            .map(|(package, on)| {
                (package.name.as_str(), on.iter().map(|p| p.name.as_str()).collect())
            })
            .collect::<Vec<(&str, Vec<&str>)>>();
        assert_eq!(edges, [("a", vec!["b", "c"]), ("b", vec!["c"]), ("c", vec![])]);
        assert_eq!(contents.root.name, "a");
        assert!(contents.needs.keys().any(|package| package.license == "MIT OR Apache-2.0"));
    }
}
