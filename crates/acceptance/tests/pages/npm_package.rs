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

/// A folder under cargo's target folder with a copy of the folder of this name here, and what it
/// depends on installed in it.
pub(crate) async fn install(name: &str) -> PathBuf {
    install_copy(&Path::new(SOURCES).join(name), name).await
}

/// The same with a copy of any folder.
pub(crate) async fn install_copy(source: &Path, name: &str) -> PathBuf {
    let folder = copy_folder(source, name);
    // What the machine says about registries and proxies stays in force.
    let npm = Program::new(installed_program(&["npm"], "npm")).variables(std::env::vars());
    let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run(&npm.arguments(["ci", "--prefix", folder.to_str().unwrap()]).arguments(flags)).await;
    folder
}

/// A folder under cargo's target folder with the files of `source`.
pub(crate) fn copy_folder(source: &Path, name: &str) -> PathBuf {
    let folder = target_directory().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    // What somebody has installed or generated there stays there.
    let files = std::fs::read_dir(source).unwrap().map(Result::unwrap);
    for file in files.filter(|file| file.path().is_file()) {
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    folder
}
