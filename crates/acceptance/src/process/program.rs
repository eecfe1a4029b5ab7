//! A running program, which never outlives its test: `setpriv --pdeathsig` has the kernel kill it with
//! the thread that started it, even when the executable itself is killed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::process::Output;
use crate::wait::{PATIENCE, eventually_within};

/// A started program and what it writes.
pub struct Program {
    name: String,
    child: Mutex<Child>,
    /// What it writes to standard output.
    pub stdout: Output,
    /// What it writes to standard error.
    pub stderr: Output,
}

impl Program {
    /// Starts a program with nothing but these variables and the PATH in its environment.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(String, String)],
    ) -> Self {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", std::env::temp_dir())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("util-linux's setpriv can be run");
        Self {
            name: program.display().to_string(),
            stdout: Output::of(child.stdout.take().unwrap()),
            stderr: Output::of(child.stderr.take().unwrap()),
            child: Mutex::new(child),
        }
    }

    /// Its process identifier.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// The processor time that it has taken so far: what it did, however busy the machine is.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The name of the program, in parentheses, may hold anything; user and system time are the 14th and
        // 15th field, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Sends a signal, `INT` or `KILL` for example.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.id().to_string()]).status().unwrap();
        assert!(status.success(), "{} cannot be sent {signal}", self.name);
    }

    /// Waits until it has ended.
    pub async fn ended(&self) -> ExitStatus {
        self.ended_within(PATIENCE).await
    }

    /// Waits until it has ended, so long and no longer.
    pub async fn ended_within(&self, patience: Duration) -> ExitStatus {
        let ended = async || self.child.lock().unwrap().try_wait().unwrap();
        eventually_within(patience, &format!("the end of {}", self.name), ended).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        // An error means that it has ended already.
        let _ = child.kill();
        child.wait().unwrap();
    }
}
