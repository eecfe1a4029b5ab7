//! A Docker engine of our own: in namespaces of its own, so that its processes, mounts, bridges and
//! firewall rules end with it, whatever ends it, and no other engine or service of this machine
//! notices it. Its network leads nowhere: what it runs cannot have been pulled.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use test_servers::{Group, Signal};

use super::command::{last_lines, wait_for};
use super::docker::Docker;
use super::error::ComposeError;
use super::tools::Tools;
use crate::process::Interrupt;

const START_LIMIT: Duration = Duration::from_secs(90);

/// Run as the first process of the new namespaces. The engine's sockets are on a file system that
/// nobody else sees.
const IN_NAMESPACES: &str = "\
mount -t tmpfs tmpfs /run
ip link set lo up
exec tini-static -s -- dockerd --data-root \"$1\" --exec-root /run/docker --pidfile /run/docker.pid \\
    --host unix:///run/docker.sock --cgroup-parent \"$2\"";

/// A running engine. Dropping it stops it and everything in it.
pub(super) struct Engine {
    /// Talks to it.
    pub(super) docker: Docker,
    process: Option<Group>,
    cgroup: String,
}

impl Engine {
    /// Starts one that keeps its images in `cache` and waits until it answers.
    pub(super) fn start(
        tools: &Tools,
        cache: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, ComposeError> {
        let log = cache.join("engine.log");
        let cgroup = format!("/registration-compose-{}", std::process::id());
        // Ends with this process, should that be killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig=KILL", "--", "unshare"])
            .args([
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child=KILL",
                "--mount-proc",
                "--",
            ])
            .args(["sh", "-euc", IN_NAMESPACES, "engine"])
            .arg(cache.join("engine"))
            .arg(&cgroup)
            .env("PATH", tools.search_path());
        let file = File::create(&log).map_err(ComposeError::file(&log))?;
        command.stderr(file.try_clone().map_err(ComposeError::file(&log))?).stdout(file);

        let process = Group::start(&mut command, Signal::TERM)?;
        let docker = Docker::of_engine(tools, process.pid(), cache)?;
        let mut engine = Self { docker, process: Some(process), cgroup };
        engine.wait_until_it_answers(&log, interrupt)?;
        engine.enter_network()?;
        Ok(engine)
    }

    fn wait_until_it_answers(
        &mut self,
        log: &Path,
        interrupt: &Interrupt,
    ) -> Result<(), ComposeError> {
        let answered = wait_for("the engine", START_LIMIT, interrupt, || {
            let ended = self.process.as_mut().map(Group::exited);
            if let Some(Ok(Some(status))) = ended {
                return Ok(Err(format!("it ended with {status}")));
            }
            let asked = self.docker.read(&["version"], Duration::from_secs(10), interrupt);
            asked.map(|_| Ok(())).map_err(|error| error.to_string())
        });
        let problem = match answered {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(problem)) => problem,
            Err(error @ ComposeError::Process(_)) => return Err(error),
            Err(_) => format!("it did not answer within {START_LIMIT:.0?}"),
        };
        let log = last_lines(&fs::read_to_string(log).unwrap_or_default());
        Err(ComposeError::Engine { problem, log })
    }

    /// Moves this thread, and those that it starts from now on, into the network in which the
    /// engine publishes ports.
    fn enter_network(&self) -> Result<(), ComposeError> {
        let Some(process) = &self.process else { return Ok(()) };
        let network = File::open(format!("/proc/{}/ns/net", process.pid()));
        let entered = network.and_then(|network| {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(network.as_fd(), kind).map_err(std::io::Error::from)
        });
        entered.map_err(ComposeError::Network)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // First everything that is in the control groups, which cannot be removed before.
        drop(self.process.take());
        for controllers in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            remove_cgroups(&controllers.path().join(self.cgroup.trim_start_matches('/')));
        }
        remove_cgroups(&PathBuf::from("/sys/fs/cgroup").join(self.cgroup.trim_start_matches('/')));
    }
}

/// Removes a control group and those below it. They are folders whose files go with them.
fn remove_cgroups(group: &Path) {
    for below in fs::read_dir(group).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroups(&below.path());
        }
    }
    // One that is not there, or that a dying process holds for another moment, hurts nobody.
    let _ = fs::remove_dir(group);
}
