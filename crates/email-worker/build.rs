//! Compiles the templates of every language in, one folder each. A text that a language lacks ends
//! the build: nobody's mail may depend on which language it is in.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FILE_NAMES: [&str; 7] = include!("src/templates/file_names.rs");

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-changed=src/templates/file_names.rs");
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("templates");
    let mut languages = folders(&root)?;
    languages.sort();
    let mut list = String::from("[");
    for language in &languages {
        list.push_str(&sources(&root, language)?);
    }
    list.push(']');
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("templates.rs"), list)
}

fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The name of a language with the contents of its files, as Rust has them.
fn sources(root: &Path, language: &str) -> io::Result<String> {
    let folder = root.join(language);
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !FILE_NAMES.contains(&name.as_str()) {
            println!("cargo::error=templates/{language}/{name} is not the name of a template");
        }
    }
    let mut texts = String::new();
    for name in FILE_NAMES {
        let path = folder.join(name);
        if !path.is_file() {
            println!(
                "cargo::error=templates/{language}/{name} is missing: every language has every text"
            );
        }
        let _ = write!(texts, "include_str!({:?}),", path.to_string_lossy());
    }
    Ok(format!("({language:?}, [{texts}]),"))
}
