//! A machine to install a package on: systemd in namespaces, on a copy of this machine's file system
//! that forgets its changes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_servers::{Group, POLL, Signal};

use crate::process::{Interrupt, as_root};
use crate::release::command::output;
use crate::release::error::ReleaseError;

const BOOT: &str = include_str!("machine.sh");
const BOOT_LIMIT: Duration = Duration::from_mins(1);

/// How often the removal of the control group is tried.
const REMOVALS: usize = 50;

/// A running machine. Dropping it ends everything on it.
pub(super) struct Machine {
    folder: TempDir,
    pid: String,
    group: String,
    process: Option<Group>,
}

impl Machine {
    /// Boots one that has `package` as `/package.deb`.
    pub(super) fn boot(package: &Path, interrupt: &Interrupt) -> Result<Self, ReleaseError> {
        let folder = tempfile::Builder::new().prefix("registration-release-").tempdir();
        let folder = folder.map_err(ReleaseError::file(std::env::temp_dir()))?;
        let path = folder.path().to_owned();
        fs::create_dir(path.join("machine")).map_err(ReleaseError::file(&path))?;
        let log = File::create(path.join("log")).map_err(ReleaseError::file(&path))?;
        let group = format!("registration-release-{}", std::process::id());
        // Ends with its parent, should that be killed.
        let mut boot = as_root("setpriv");
        boot.args(["--pdeathsig=KILL", "--", "sh", "-euc", BOOT, "boot"]).args([&path]).arg(&group);
        boot.arg(package)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(ReleaseError::file(&path))?)
            .stderr(log);
        let process = Some(Group::start(&mut boot, Signal::KILL)?);
        let mut machine = Self { folder, pid: String::new(), group, process };
        machine.wait_until_it_runs(interrupt)?;
        Ok(machine)
    }

    fn wait_until_it_runs(&mut self, interrupt: &Interrupt) -> Result<(), ReleaseError> {
        let deadline = Instant::now() + BOOT_LIMIT;
        let problem = loop {
            if let Some(status) = self.process.as_mut().map(Group::exited).transpose()?.flatten() {
                break format!("it ended with {status}");
            }
            if let Ok(pid) = fs::read_to_string(self.folder.path().join("pid")) {
                pid.trim().clone_into(&mut self.pid);
                if self.run("systemctl", &["is-active", "trial.target"]).is_ok() {
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                break format!("it was not ready after {BOOT_LIMIT:.0?}");
            }
            interrupt.check()?;
            thread::sleep(POLL);
        };
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(ReleaseError::Machine { problem, log })
    }

    /// What a program on the machine prints, which root runs there and which must succeed.
    pub(super) fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ReleaseError> {
        let root = format!("/proc/{}/root", self.pid);
        let mut enter: Command = as_root("nsenter");
        enter
            .args(["--target", &self.pid, "--mount", "--pid", "--net", "--ipc", "--uts"])
            .args([&format!("--root={root}"), &format!("--wd={root}"), "--", "env", "-i"])
            .args([
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND=noninteractive",
                "LC_ALL=C.UTF-8",
            ])
            .arg(program)
            .args(arguments);
        output(&mut enter)
    }

    /// What a script prints.
    pub(super) fn sh(&self, script: &str) -> Result<String, ReleaseError> {
        self.run("bash", &["-euc", script])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.pid.is_empty() {
            // The end of the first process is that of all.
            let _ = as_root("kill").args(["-KILL", &self.pid]).status();
        }
        drop(self.process.take());
        for hierarchy in ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd"] {
            let group = format!("{hierarchy}/{}", self.group);
            // What was killed takes a moment to leave it.
            for _ in 0..REMOVALS {
                if !Path::new(&group).exists() {
                    break;
                }
                let remove = [group.as_str(), "-depth", "-type", "d", "-delete"];
                let _ = as_root("find").args(remove).stderr(Stdio::null()).status();
                thread::sleep(POLL);
            }
        }
    }
}
