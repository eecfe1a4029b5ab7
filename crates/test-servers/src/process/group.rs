use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::tree::{self, is_running, is_stopped};
use super::{Interrupt, POLL, ProcessError, spawner, text};

/// How long a child may take to end when asked to, before it is killed: a server has to write on a
/// busy disk what it has in memory. compose.yaml gives them as long.
const GRACE: Duration = Duration::from_mins(1);

/// A child and everything it started. Dropping it stops them all.
#[derive(Debug)]
pub struct Group {
    program: String,
    child: Child,
    stop_signal: Signal,
}

impl Group {
    /// Starts `command` in a process group of its own, without standard input. `stop_signal` asks
    /// it to end.
    pub fn start(command: &mut Command, stop_signal: Signal) -> Result<Self, ProcessError> {
        let program = text(command);
        match spawner::spawn(command.stdin(Stdio::null()).process_group(0)) {
            Ok(child) => Ok(Self { program, child, stop_signal }),
            Err(source) => Err(ProcessError::Start { program, source }),
        }
    }

    /// The identifier of the child.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child
            .try_wait()
            .map_err(|source| ProcessError::Wait { program: self.program.clone(), source })
    }

    /// Waits until it ends.
    pub fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus, ProcessError> {
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            interrupt.check()?;
            thread::sleep(POLL);
        }
    }

    /// Stops everything for a while, as a machine does that is out of breath: nothing of it ends, and
    /// nothing goes on.
    pub fn freeze(&self) {
        let deadline = Instant::now() + GRACE;
        loop {
            tree::signal(self.pid(), Signal::STOP);
            // One that waits for its disk stops when it has its answer.
            let goes_on = |pid| is_running(pid) && !is_stopped(pid);
            if !tree::members(self.pid()).into_iter().any(goes_on) || Instant::now() > deadline {
                return;
            }
            thread::sleep(POLL);
        }
    }

    /// Lets it go on after `freeze`.
    pub fn thaw(&self) {
        tree::signal(self.pid(), Signal::CONT);
    }

    /// Ends everything at once, as a power cut does, and waits until it is gone.
    pub fn kill(mut self) {
        // Frozen first: what is killed while others live could be replaced by them.
        self.freeze();
        let members = tree::members(self.pid());
        tree::signal(self.pid(), Signal::KILL);
        let _ = self.child.wait();
        while members.iter().any(|&pid| is_running(pid)) {
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
        if matches!(self.child.try_wait(), Ok(None)) {
            self.thaw();
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tied_to_us;
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
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let start = || {
            let mut command = tied_to_us(None, "KILL", Path::new("sleep"));
            let group = Group::start(command.arg("600"), Signal::KILL).unwrap();
            let name = format!("/proc/{}/comm", group.pid());
            // By then setpriv has tied it to the thread.
            while std::fs::read_to_string(&name).unwrap() != "sleep\n" {
                thread::sleep(POLL);
            }
            (group, std::fs::read_link("/proc/thread-self").unwrap())
        };
        let (mut group, asked) = thread::spawn(start).join().unwrap();
        while Path::new("/proc").join(&asked).exists() {
            thread::sleep(POLL);
        }
        // Time to die, for a child that does.
        thread::sleep(POLL);
        assert!(group.exited().unwrap().is_none());
    }
}
