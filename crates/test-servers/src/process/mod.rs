//! Child processes that end when this one does, whatever ends it.
//!
//! Each child leads a process group of its own, so that everything it started is stopped with it,
//! and so that Ctrl-C reaches this program alone, which then stops the children in order.

mod group;
mod interrupt;
mod spawner;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

pub use group::Group;
pub use interrupt::Interrupt;
pub use rustix::process::Signal;
pub(crate) use tree::members;

/// How often a child is looked at, and a server asked whether it is ready.
pub const POLL: Duration = Duration::from_millis(50);

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It did not start.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Its command line.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It started, but cannot be waited for.
    #[error("cannot wait for {program}: {source}")]
    Wait {
        /// Its command line.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// Signals cannot be taken over.
    #[error("cannot catch signals: {0}")]
    Signals(#[source] std::io::Error),
    /// Somebody asked this program to stop.
    #[error("interrupted")]
    Interrupted,
    /// It ended without success.
    #[error("`{program}` failed ({status})")]
    Failed {
        /// Its command line.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
}

/// A command line that `program` is added to as an argument: it then runs as `user` (None: as we
/// do), and the kernel sends it `signal` should this process die without having stopped it, by kill
/// -9 for example.
pub(crate) fn tied_to_us(user: Option<&str>, signal: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).arg("--init-groups");
    }
    command.arg(format!("--pdeathsig={signal}")).arg("--").arg(program);
    command
}

/// Where a program is found: in `folders`, then on the PATH.
pub fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    folders
        .iter()
        .cloned()
        .chain(on_path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The command as a person would type it.
pub fn text(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_it_is_typed() {
        assert_eq!(
            text(Command::new("/usr/bin/cargo").args(["test", "--workspace"])),
            "cargo test --workspace"
        );
    }
}
