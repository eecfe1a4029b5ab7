//! The programs that the commands run, with this program's output.

use std::process::{Command, ExitStatus};

use test_servers::{Group, Signal, text};
pub(crate) use test_servers::{Interrupt, ProcessError, find_program};

/// Prints `command`, runs it to its end with this program's output, and says how it ended.
pub(crate) fn run(
    command: &mut Command,
    interrupt: &Interrupt,
) -> Result<ExitStatus, ProcessError> {
    eprintln!("xtask: $ {}", text(command));
    Group::start(command, Signal::INT)?.wait(interrupt)
}

/// The same; an unsuccessful end is an error.
pub(crate) fn succeed(command: &mut Command, interrupt: &Interrupt) -> Result<(), ProcessError> {
    let status = run(command, interrupt)?;
    if status.success() {
        Ok(())
    } else {
        Err(ProcessError::Failed { program: text(command), status })
    }
}

/// A program with the rights of root, by sudo where this one has not got them.
pub(crate) fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
