//! The arrow that cargo cannot see: with the feature `bin`, every module of a service could name an adapter.

use std::fs;
use std::path::Path;

use super::ArrowError;

/// Looks through the sources in `folder`, except `main.rs` and the module `wiring`.
pub(super) fn check(folder: &Path) -> Result<(), ArrowError> {
    let unreadable = |source| ArrowError::Read { path: folder.display().to_string(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            "main.rs" | "wiring.rs" | "wiring" => {}
            _ if path.is_dir() => check(&path)?,
            _ if path.extension().is_some_and(|extension| extension == "rs") => check_file(&path)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), ArrowError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ArrowError::Read { path: path.display().to_string(), source })?;
    match text.lines().position(names_adapters) {
        None => Ok(()),
        Some(index) => Err(ArrowError::Named { place: format!("{}:{}", path.display(), index + 1) }),
    }
}

/// Whether a line of code, its comment aside, has the identifier `adapters` in a path or an import.
fn names_adapters(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let is_identifier = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices("adapters").any(|(start, name)| {
        let before = code[..start].trim_end();
        let after = code[start + name.len()..].trim_start();
        let whole =
            !code[..start].ends_with(is_identifier) && !code[start + name.len()..].starts_with(is_identifier);
        whole && (after.starts_with("::") || before.ends_with("use") || before.ends_with("crate"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_names_the_crate_is_found() {
        for line in ["use adapters::postgres;", "let x = adapters :: redis::open();", "use adapters as a;"] {
            assert!(names_adapters(line), "{line}");
        }
    }

    #[test]
    fn comments_and_other_names_are_not() {
        for line in
            ["// adapters::postgres does it", "use my_adapters::x;", "let adapters = [];", "adapters.len()"]
        {
            assert!(!names_adapters(line), "{line}");
        }
    }

    #[test]
    fn the_binary_may_name_adapters_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("wiring")).unwrap();
        fs::create_dir_all(folder.path().join("http")).unwrap();
        for allowed in ["main.rs", "wiring.rs", "wiring/mod.rs"] {
            fs::write(folder.path().join(allowed), "use adapters::redis;\n").unwrap();
        }
        check(folder.path()).unwrap();
        fs::write(folder.path().join("http/mod.rs"), "//! Pages.\nuse adapters::redis;\n").unwrap();
        assert!(check(folder.path()).unwrap_err().to_string().contains("http/mod.rs:2"));
    }
}
