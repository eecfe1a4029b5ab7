//! Child processes that end when this one does, whatever ends it.
//!
//! Each child leads a process group of its own, so that everything it started is stopped with it,
//! and so that Ctrl-C reaches this program alone, which then stops the children in order.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a child is looked at, and a server asked whether it is ready.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// How long a child may take to end when asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("cannot wait for {program}: {source}")]
    Wait { program: String, source: std::io::Error },
    #[error("cannot catch signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error("interrupted")]
    Interrupted,
    #[error("`{program}` failed ({status})")]
    Failed { program: String, status: ExitStatus },
}

/// Whether somebody asked this program to stop: SIGINT (Ctrl-C), SIGTERM or SIGHUP.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes these signals over, for the rest of the process.
    pub(crate) fn catch() -> Result<Self, ProcessError> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&requested))
                .map_err(ProcessError::Signals)?;
        }
        Ok(Self(requested))
    }

    /// An error once a signal has arrived.
    pub(crate) fn check(&self) -> Result<(), ProcessError> {
        if self.0.load(Ordering::Relaxed) { Err(ProcessError::Interrupted) } else { Ok(()) }
    }
}

/// A child and everything it started. Dropping it stops them all.
pub(crate) struct Group {
    program: String,
    child: Child,
    stop_signal: Signal,
}

impl Group {
    /// Starts `command` in a process group of its own, without standard input. `stop_signal` asks
    /// it to end.
    pub(crate) fn start(command: &mut Command, stop_signal: Signal) -> Result<Self, ProcessError> {
        use std::os::unix::process::CommandExt;
        let program = text(command);
        match command.stdin(Stdio::null()).process_group(0).spawn() {
            Ok(child) => Ok(Self { program, child, stop_signal }),
            Err(source) => Err(ProcessError::Start { program, source }),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child
            .try_wait()
            .map_err(|source| ProcessError::Wait { program: self.program.clone(), source })
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus, ProcessError> {
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            interrupt.check()?;
            thread::sleep(POLL);
        }
    }

    fn signal(&self, signal: Signal) {
        // An error means that the group has ended, which is what was wanted.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(self.stop_signal);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

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
pub(crate) fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
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
pub(crate) fn text(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_group_takes_what_it_started_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script =
            format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", pid_file.display());
        let group = Group::start(Command::new("sh").arg("-c").arg(script), Signal::TERM).unwrap();
        while !pid_file.exists() {
            thread::sleep(POLL);
        }
        drop(group);
        let pid = std::fs::read_to_string(&pid_file).unwrap();
        let state =
            || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let is_gone = || state().is_empty() || state().contains(") Z ");
        // It was killed, but it is not our child: on a busy machine it takes a moment to go.
        let deadline = Instant::now() + GRACE;
        while !is_gone() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        assert!(is_gone(), "still there: {}", state());
    }

    #[test]
    fn a_command_reads_as_it_is_typed() {
        assert_eq!(
            text(Command::new("/usr/bin/cargo").args(["test", "--workspace"])),
            "cargo test --workspace"
        );
    }
}
