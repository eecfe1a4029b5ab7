//! The binaries and what belongs to them, laid out below one folder as below `/usr`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::output;
use super::error::ReleaseError;
use crate::process::{Interrupt, succeed};
use crate::{test, workspace};

/// What a release consists of.
pub(super) const PROGRAMS: [&str; 3] = ["registration-api", "email-worker", "standalone"];

/// The version of the workspace, of which this package is one.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which binaries a release is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// Those that users get.
    Release,
    /// Those of the tests, which are there already.
    Debug,
}

/// Where a release comes from; both are told to the compiler.
pub(super) struct Origin {
    /// The name of the commit; none outside a checkout.
    commit: Option<String>,
    /// Seconds since 1970: `SOURCE_DATE_EPOCH`, or the date of the commit.
    pub(super) date: Option<String>,
}

impl Origin {
    pub(super) fn find() -> Self {
        let git = |arguments: &[&str]| {
            let text = output(Command::new("git").current_dir(workspace::root()).args(arguments));
            text.ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let given = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let describe = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
        Self {
            commit: given("REGISTRATION_BUILD_COMMIT").or_else(|| git(&describe)),
            date: given("SOURCE_DATE_EPOCH").or_else(|| git(&["log", "-1", "--format=%ct"])),
        }
    }

    /// Tells a command, so that it does the same for the same commit on any day.
    pub(super) fn tell(&self, command: &mut Command) {
        let told = [("REGISTRATION_BUILD_COMMIT", &self.commit), ("SOURCE_DATE_EPOCH", &self.date)];
        for (name, value) in told {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
    }
}

/// Builds the binaries, and writes them stripped, with their man pages and completions, below
/// `folder`. `name_of` says under which name a program is installed.
pub(super) fn build(
    profile: Profile,
    origin: &Origin,
    interrupt: &Interrupt,
) -> Result<PathBuf, ReleaseError> {
    let debug = workspace::binaries().map_err(ReleaseError::file("the target folder"))?;
    // With the feature that lets them write their manuals, which the released ones are without.
    let mut of_tests = test::build_command();
    if profile == Profile::Debug {
        succeed(&mut of_tests, interrupt)?;
        return Ok(debug);
    }
    origin.tell(&mut of_tests);
    succeed(&mut of_tests, interrupt)?;
    let mut released = workspace::cargo();
    released.args(["build", "--release", "--locked", "--bins"]);
    released.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    origin.tell(&mut released);
    succeed(&mut released, interrupt)?;
    Ok(debug.with_file_name("release"))
}

/// Writes a program, its man pages and its completions below `usr`, under the name `installed_as`.
pub(super) fn install(
    binaries: &Path,
    program: &str,
    installed_as: &str,
    usr: &Path,
) -> Result<(), ReleaseError> {
    let bin = usr.join("bin");
    fs::create_dir_all(&bin).map_err(ReleaseError::file(&bin))?;
    let mut strip = Command::new("strip");
    output(strip.arg("-o").arg(bin.join(installed_as)).arg(binaries.join(program)))?;
    let debug = workspace::binaries().map_err(ReleaseError::file("the target folder"))?;
    output(Command::new(debug.join(program)).arg("manual").arg(usr).arg(installed_as))?;
    Ok(())
}

/// Makes a folder, without what a run before left in it.
pub(super) fn empty_folder(folder: &Path) -> Result<(), ReleaseError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(ReleaseError::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(ReleaseError::file(PathBuf::from(folder)))
}
