//! `cargo xtask test --unit`: the tests that need nothing but what cargo builds for them.
//!
//! These are the tests within libraries and binaries, the doctests, and every executable in a
//! package's `tests` that is not excluded here. One that turns out to need a server has to be
//! added.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::process::{self, Interrupt};
use crate::test::{WHOLE, cargo_test, exit_code};
use crate::{Failure, workspace};

/// The package whose tests start the built binaries.
const BLACK_BOX: &str = "acceptance";

/// The executables of other packages that need a server or a built binary.
const NEED_A_SERVER: [&str; 7] =
    ["event_bus", "sql", "counters", "servers", "short", "short_run", "command_line"];

/// Runs them; `arguments` go on to `cargo test`. The doctests come last, once the others have
/// passed.
pub(crate) fn run(arguments: &[String], interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let executables = executables().map_err(Failure::Tests)?;
    let chosen = executables.iter().filter(|name| !NEED_A_SERVER.contains(&name.as_str()));
    let mut code = ["--lib", "--bins"].to_vec();
    code.extend(chosen.flat_map(|name| ["--test", name]));
    for selection in [&code[..], &["--doc"]] {
        let mut command = cargo_test();
        command.args(WHOLE).args(selection).args(arguments);
        let status = process::run(&mut command, interrupt)?;
        if !status.success() {
            return Ok(exit_code(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The test executables of all packages but the black-box one.
fn executables() -> io::Result<Vec<String>> {
    let mut names = executables_of(&workspace::root().join("xtask"))?;
    for package in fs::read_dir(workspace::root().join("crates"))? {
        let package = package?;
        if package.file_name() != BLACK_BOX {
            names.extend(executables_of(&package.path())?);
        }
    }
    names.sort();
    Ok(names)
}

fn executables_of(package: &Path) -> io::Result<Vec<String>> {
    let tests = package.join("tests");
    if !tests.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(tests)? {
        let path = entry?.path();
        let is_executable =
            path.join("main.rs").exists() || path.extension() == Some(OsStr::new("rs"));
        if let Some(name) = path.file_stem().filter(|_| is_executable) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_excluded_executable_exists() {
        let executables = executables().unwrap();
        for name in NEED_A_SERVER {
            assert!(executables.contains(&name.to_owned()), "{name} is not one of {executables:?}");
        }
    }

    #[test]
    fn files_and_folders_with_a_main_are_executables() {
        let package = tempfile::tempdir().unwrap();
        assert!(executables_of(package.path()).unwrap().is_empty());
        for folder in ["suite", "data"] {
            fs::create_dir_all(package.path().join("tests").join(folder)).unwrap();
        }
        fs::write(package.path().join("tests/suite/main.rs"), "").unwrap();
        fs::write(package.path().join("tests/single.rs"), "").unwrap();
        let mut names = executables_of(package.path()).unwrap();
        names.sort();
        assert_eq!(names, ["single", "suite"]);
    }
}
