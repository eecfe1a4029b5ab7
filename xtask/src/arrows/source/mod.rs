//! What a source file says about others: the modules it declares, what it imports and the paths it
//! names.
//!
//! Read from the text alone, so it sees every feature at once. What a macro expands to, it does not
//! see.

mod tokens;

use tokens::{Token, is_identifier, tokens};

/// A path such as `crate::limits::Limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) segments: Vec<String>,
    /// The line it ends on, from 1.
    pub(super) line: usize,
}

/// A name that a `use` brings into the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) name: String,
    pub(super) path: NamedPath,
    /// Whether it is passed on (`pub use`).
    pub(super) is_reexport: bool,
}

/// One source file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The modules that have files of their own.
    pub(super) modules: Vec<String>,
    pub(super) imports: Vec<Import>,
    /// The paths of more than one segment outside of imports.
    pub(super) paths: Vec<NamedPath>,
}

impl Source {
    pub(super) fn parse(text: &str) -> Self {
        let mut reader = Reader { tokens: tokens(text), at: 0, source: Self::default() };
        while reader.at < reader.tokens.len() {
            reader.step();
        }
        reader.source
    }

    /// Every path in the file, but for those that begin with an imported name: their import is
    /// among them.
    pub(super) fn all_paths(&self) -> impl Iterator<Item = &NamedPath> {
        let is_imported =
            |path: &&NamedPath| self.imports.iter().any(|import| import.name == path.segments[0]);
        let others = self.paths.iter().filter(move |path| !is_imported(path));
        self.imports.iter().map(|import| &import.path).chain(others)
    }
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    source: Source,
}

impl Reader<'_> {
    /// The text so many tokens ahead (or back); empty beyond either end.
    fn peek(&self, offset: isize) -> &str {
        let token = self.at.checked_add_signed(offset).and_then(|at| self.tokens.get(at));
        token.map_or("", |token| token.text)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.line)
    }

    fn step(&mut self) {
        match self.peek(0) {
            "use" if self.peek(1) != "<" => {
                let is_reexport = matches!(self.peek(-1), "pub" | ")");
                self.at += 1;
                self.use_tree(&[], is_reexport);
            }
            "mod" if self.peek(2) == ";" => {
                let name = self.peek(1).to_owned();
                self.source.modules.push(name);
                self.at += 3;
            }
            word if is_identifier(word) && self.peek(1) == "::" => self.path(),
            _ => self.at += 1,
        }
    }

    /// `a::b::c` in code. `::b` after a `>` continues a path that cannot be followed, and is passed
    /// over.
    fn path(&mut self) {
        let mut path = NamedPath { segments: vec![self.peek(0).to_owned()], line: self.line() };
        self.at += 1;
        while self.peek(0) == "::" && is_identifier(self.peek(1)) {
            path.segments.push(self.peek(1).to_owned());
            self.at += 2;
        }
        self.source.paths.push(path);
    }

    /// What follows `use`, or a comma or brace within it.
    fn use_tree(&mut self, prefix: &[String], is_reexport: bool) {
        let mut segments = prefix.to_vec();
        loop {
            match self.peek(0) {
                "::" => self.at += 1,
                "{" => return self.use_group(&segments, is_reexport),
                "" | ";" | "}" | "," | "as" => break,
                name => {
                    segments.push(name.to_owned());
                    self.at += 1;
                }
            }
        }
        let line = self.tokens.get(self.at.saturating_sub(1)).map_or(0, |token| token.line);
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let name = if self.peek(0) == "as" {
            self.at += 2;
            self.peek(-1).to_owned()
        } else {
            segments.last().cloned().unwrap_or_default()
        };
        self.source.imports.push(Import { name, path: NamedPath { segments, line }, is_reexport });
    }

    fn use_group(&mut self, prefix: &[String], is_reexport: bool) {
        self.at += 1;
        while !matches!(self.peek(0), "" | ";" | "}") {
            self.use_tree(prefix, is_reexport);
            if self.peek(0) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined<'a>(paths: impl Iterator<Item = &'a NamedPath>) -> Vec<String> {
        paths.map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn imports_are_taken_apart() {
        let source = Source::parse("use a::{self, b::{C, D as E}, f::*,};\npub(crate) use ::g;");
        let names: Vec<_> = source.imports.iter().map(|import| import.name.as_str()).collect();
        assert_eq!(names, ["a", "C", "E", "*", "g"]);
        assert_eq!(joined(source.all_paths()), ["a", "a::b::C", "a::b::D", "a::f::*", "g"]);
        assert_eq!(source.imports[4].path.line, 2);
        assert!(source.imports[4].is_reexport && !source.imports[0].is_reexport);
    }

    #[test]
    fn paths_in_code_are_found() {
        let source =
            Source::parse("fn f(x: crate::a::B) -> Vec<<T as c::D>::E> { g::<H>(::i::j()) }");
        assert_eq!(joined(source.paths.iter()), ["crate::a::B", "c::D", "g", "i::j"]);
    }

    #[test]
    fn modules_with_a_file_are_found() {
        assert_eq!(Source::parse("pub mod a;\nmod b { fn f() {} }\nmod c;").modules, ["a", "c"]);
    }
}
