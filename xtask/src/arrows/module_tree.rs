//! The modules of a crate and the files they are in, as the compiler finds them: by following `mod
//! name;`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Display, Path, PathBuf};
use std::slice;

use super::error::ArrowError;
use super::source::Source;
use crate::workspace;

/// A module by its path below the crate's root, which has the empty one.
pub(super) type ModulePath = Vec<String>;

/// A module and its file.
pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) source: Source,
}

impl Module {
    /// The file as a person in the workspace names it.
    pub(super) fn name(&self) -> Display<'_> {
        self.file.strip_prefix(workspace::root()).unwrap_or(&self.file).display()
    }
}

/// How many imports of imports are followed to a definition.
const MAX_HOPS: usize = 8;

/// The modules below a `lib.rs` or a `main.rs`.
#[derive(Default)]
pub(super) struct ModuleTree {
    pub(super) modules: BTreeMap<ModulePath, Module>,
}

impl ModuleTree {
    /// The modules of a package's library and of its program, of those that it has.
    pub(super) fn of_package(folder: &Path) -> Result<Vec<Self>, ArrowError> {
        let roots = ["lib.rs", "main.rs"].map(|root| folder.join("src").join(root));
        roots.iter().filter(|root| root.exists()).map(|root| Self::load(root)).collect()
    }

    pub(super) fn load(root: &Path) -> Result<Self, ArrowError> {
        let mut tree = Self::default();
        tree.add(Vec::new(), root.to_path_buf(), root.parent().unwrap_or(root))?;
        Ok(tree)
    }

    fn add(&mut self, path: ModulePath, file: PathBuf, children: &Path) -> Result<(), ArrowError> {
        let text = fs::read_to_string(&file)
            .map_err(|source| ArrowError::Read { path: file.display().to_string(), source })?;
        let source = Source::parse(&text);
        for name in &source.modules {
            let flat = children.join(format!("{name}.rs"));
            let folder = children.join(name);
            let file = if flat.exists() { flat } else { folder.join("mod.rs") };
            self.add([&path[..], slice::from_ref(name)].concat(), file, &folder)?;
        }
        self.modules.insert(path, Module { file, source });
        Ok(())
    }

    /// The outermost module that a module belongs to: `main` for the file of a program, empty for
    /// that of a library.
    pub(super) fn area<'a>(&'a self, module: &'a [String]) -> &'a str {
        let is_program =
            || self.modules.get(&[][..]).is_some_and(|root| root.file.ends_with("main.rs"));
        module.first().map_or_else(|| if is_program() { "main" } else { "" }, String::as_str)
    }

    /// The path from the crate's root that `path` stands for in the module `from`; None if it leads
    /// out of the crate.
    pub(super) fn absolute(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let start = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => return Some([from, &path[1..]].concat()),
            "super" => &from[..from.len().checked_sub(supers)?],
            name => {
                let child = [from, &[name.to_owned()]].concat();
                return self.modules.contains_key(&child).then(|| [from, path].concat());
            }
        };
        Some([start, &path[supers..]].concat())
    }

    /// The module that defines what `path` names in the module `from`; None if it is outside of the
    /// crate.
    pub(super) fn definition(&self, from: &[String], path: &[String]) -> Option<ModulePath> {
        self.follow(from, path, MAX_HOPS)
    }

    fn follow(&self, from: &[String], path: &[String], hops: usize) -> Option<ModulePath> {
        let absolute = self.absolute(from, path)?;
        let depth = (0..=absolute.len())
            .rev()
            .find(|depth| self.modules.contains_key(&absolute[..*depth]))?;
        let (module, rest) = absolute.split_at(depth);
        let imports = &self.modules.get(module)?.source.imports;
        match rest.first().and_then(|name| imports.iter().find(|import| import.name == *name)) {
            Some(import) if hops > 0 => {
                self.follow(module, &[&import.path.segments, &rest[1..]].concat(), hops - 1)
            }
            _ => Some(module.to_vec()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split("::").filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    }

    /// A package's folder with these files under `src`.
    pub(in crate::arrows) fn package(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join("src").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_name_leads_to_the_file_that_defines_it() {
        let package = package(&[
            ("lib.rs", "mod a; mod b; pub use b::c::Deep;"),
            ("a.rs", ""),
            ("b/mod.rs", "pub mod c; pub use c::Facade; pub use std::fmt::Display;"),
            ("b/c.rs", ""),
        ]);
        let tree = ModuleTree::load(&package.path().join("src/lib.rs")).unwrap();
        let defined = |from: &str, name: &str| tree.definition(&path(from), &path(name));
        assert_eq!(defined("a", "crate::b::c::Deep"), Some(path("b::c")));
        assert_eq!(defined("a", "crate::Deep"), Some(path("b::c")));
        assert_eq!(defined("a", "super::b::Facade::new"), Some(path("b::c")));
        assert_eq!(defined("b::c", "super::Own"), Some(path("b")));
        assert_eq!(defined("b", "c::Deep"), Some(path("b::c")));
        assert_eq!(defined("b", "self::c"), Some(path("b::c")));
        assert_eq!(defined("a", "crate::b::Display"), None);
        assert_eq!(defined("a", "std::fmt::Display"), None);
    }
}
