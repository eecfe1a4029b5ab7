//! Programs from npm, as the lock file beside their `package.json` says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::{Program, installed_program, target_directory};

/// Where the folders of the packages are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages");

/// npm may have to fetch a package, over whatever network there is.
const RUN_TIMEOUT: Duration = Duration::from_mins(5);

/// Runs a program to its end, which must be a success. Returns what it wrote to standard output.
pub(crate) async fn run(program: &Program) -> String {
    let finished = program.run_to_end_within(RUN_TIMEOUT).await;
    assert_eq!(finished.code, 0, "{program:?}:\n{}", finished.output());
    finished.stdout
}

/// A folder under cargo's target folder with a copy of this folder, and what it depends on
/// installed in it.
pub(crate) async fn install(name: &str) -> PathBuf {
    let folder = target_directory().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for file in std::fs::read_dir(Path::new(SOURCES).join(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    // What the machine says about registries and proxies stays in force.
    let npm = Program::new(installed_program(&["npm"], "npm")).variables(std::env::vars());
    let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run(&npm.arguments(["ci", "--prefix", folder.to_str().unwrap()]).arguments(flags)).await;
    folder
}
