//! docs/security.md says which test shows which line of the checklist: this keeps it true.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names in a text that tests of the checklist have: `asvs_6_5_1_…`, `rfc_7617_…`.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("asvs_") || word.starts_with("rfc_"))
        .filter(|word| is_a_test(word))
        .collect()
}

/// Whether words follow the number.
fn is_a_test(name: &str) -> bool {
    name.split('_').skip(1).any(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// What a test is about: `6.5.1`, `RFC 7617`.
fn item(name: &str) -> String {
    let mut parts = name.split('_');
    let family = parts.next().unwrap();
    let number: Vec<_> =
        parts.take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit())).collect();
    if family == "rfc" { format!("RFC {}", number[0]) } else { number.join(".") }
}

/// Every Rust source below a folder, in one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

fn checklist_and_sources() -> (String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = String::new();
    sources(&root.join("crates"), &mut text);
    (fs::read_to_string(root.join("docs/security.md")).unwrap(), text)
}

#[test]
fn the_checklist_names_every_test_and_no_other() {
    let (checklist, sources) = checklist_and_sources();
    let (named, written) = (names(&checklist), names(&sources));
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> = named.difference(&written).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that do not exist: {missing:#?}");
    let unnamed: Vec<_> = written.difference(&named).collect();
    assert!(unnamed.is_empty(), "docs/security.md does not name these tests: {unnamed:#?}");
}

#[test]
fn every_test_of_the_checklist_belongs_to_one_of_its_lines() {
    let (checklist, sources) = checklist_and_sources();
    let rows = checklist.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let items: BTreeSet<_> =
        rows.flat_map(|(items, _)| items.split(", ")).map(|item| item.replace('*', "")).collect();
    for name in names(&sources) {
        assert!(
            items.contains(&item(name)),
            "no line of docs/security.md is about {} ({name})",
            item(name)
        );
    }
}
