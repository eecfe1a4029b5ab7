//! The command lines of Docker and Compose, and what is behind a container: its process.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::read;
use super::error::ComposeError;
use super::tools::{Tools, empty_folder};
use crate::process::{Interrupt, as_root};

/// For commands that only ask.
pub(super) const ASK_LIMIT: Duration = Duration::from_mins(1);

/// An engine that answers to its command line.
pub(super) struct Docker {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
    /// The process whose namespaces the engine runs in; none: those of this machine.
    namespaces: Option<u32>,
}

impl Docker {
    /// The engine that the process `id` has started in its namespaces.
    pub(super) fn of_engine(tools: &Tools, id: u32, cache: &Path) -> Result<Self, ComposeError> {
        let configuration = cache.join("docker-cli");
        let plugins = configuration.join("cli-plugins");
        empty_folder(&plugins)?;
        for plugin in ["docker-buildx", "docker-compose"] {
            let program = tools.path("libexec/docker/cli-plugins").join(plugin);
            symlink(program, plugins.join(plugin)).map_err(ComposeError::file(&plugins))?;
        }
        let environment = vec![
            ("DOCKER_HOST", format!("unix:///proc/{id}/root/run/docker.sock")),
            ("DOCKER_CONFIG", configuration.display().to_string()),
        ];
        Ok(Self { program: tools.path("bin/docker"), environment, namespaces: Some(id) })
    }

    /// The engine of this machine.
    pub(super) fn of_this_machine() -> Self {
        Self { program: "docker".into(), environment: Vec::new(), namespaces: None }
    }

    /// `docker`, not yet told what to do.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `docker` with these arguments and returns what it prints.
    pub(super) fn read(
        &self,
        arguments: &[&str],
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<String, ComposeError> {
        read(self.command().args(arguments), limit, interrupt)
    }

    /// A file below `/proc/PID` of a process that the engine knows by this number.
    pub(super) fn read_proc(
        &self,
        pid: u64,
        file: &str,
        interrupt: &Interrupt,
    ) -> Result<String, ComposeError> {
        let root = self.namespaces.map(|id| format!("/proc/{id}/root")).unwrap_or_default();
        read(as_root("cat").arg(format!("{root}/proc/{pid}/{file}")), ASK_LIMIT, interrupt)
    }

    /// Kills a process that the engine knows by this number. The engine is not asked: it would not
    /// restart what was stopped through it.
    pub(super) fn kill(&self, pid: u64, interrupt: &Interrupt) -> Result<(), ComposeError> {
        let mut command = match self.namespaces {
            Some(id) => {
                let mut enter = as_root("nsenter");
                enter.arg(format!("--pid=/proc/{id}/ns/pid_for_children")).arg("sh");
                enter
            }
            None => as_root("sh"),
        };
        read(command.args(["-c", &format!("kill -KILL {pid}")]), ASK_LIMIT, interrupt).map(|_| ())
    }
}
