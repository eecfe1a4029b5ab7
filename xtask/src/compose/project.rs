//! The deployment as Compose runs it: what a person would type, and a look at the containers.

use std::time::Duration;

use serde_json::Value;

use super::checkout::Checkout;
use super::command::{read, wait_for};
use super::docker::{ASK_LIMIT, Docker};
use super::error::ComposeError;
use crate::process::Interrupt;

/// Not the name that compose.yaml gives: a deployment of this machine must not be touched.
const NAME: &str = "registration-trial";

/// How long a start may take on a machine that is busy with other things.
const UP_LIMIT: Duration = Duration::from_mins(5);
const DOWN_LIMIT: Duration = Duration::from_mins(2);
/// For what a queue is asked or told.
pub(super) const QUEUE_LIMIT: Duration = Duration::from_mins(1);

/// The services that go on running.
pub(super) const SERVICES: [&str; 6] =
    ["mailpit", "postgres", "redis", "rabbitmq", "registration-api", "email-worker"];

/// The deployment under trial.
pub(super) struct Project<'a> {
    pub(super) docker: &'a Docker,
    pub(super) checkout: &'a Checkout,
    pub(super) interrupt: &'a Interrupt,
}

/// What the engine says about a container.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) pid: u64,
    pub(super) is_healthy: bool,
    pub(super) restarts: u64,
    pub(super) ran_out_of_memory: bool,
}

impl Project<'_> {
    /// `docker compose` with these arguments; returns what it prints.
    pub(super) fn compose(
        &self,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<String, ComposeError> {
        let mut command = self.docker.command();
        command
            .current_dir(&self.checkout.folder)
            .args(["compose", "--ansi=never", "--progress=plain", "--project-name", NAME])
            .args(["--file", "compose.yaml", "--file", "override.yaml"])
            .args(arguments);
        read(&mut command, limit, self.interrupt)
    }

    /// `docker compose up`, which returns when everything is healthy.
    pub(super) fn up(&self, arguments: &[&str]) -> Result<(), ComposeError> {
        let command = [&["up", "--detach", "--wait"], arguments].concat();
        match self.compose(&command, UP_LIMIT) {
            Ok(_) => Ok(()),
            Err(error) => {
                let lines = ["logs", "--no-color", "--tail=10"];
                let logs = self.compose(&lines, ASK_LIMIT).unwrap_or_default();
                eprintln!("xtask: the end of each container's log:\n{logs}");
                Err(error)
            }
        }
    }

    /// `docker compose down`.
    pub(super) fn down(&self) -> Result<(), ComposeError> {
        self.compose(&["down"], DOWN_LIMIT).map(|_| ())
    }

    /// Forgets everything that the project has stored.
    pub(super) fn forget(&self) -> Result<(), ComposeError> {
        let down = ["down", "--volumes", "--remove-orphans", "--timeout=5"];
        self.compose(&down, DOWN_LIMIT).map(|_| ())
    }

    /// The running containers of a service.
    pub(super) fn containers(&self, service: &str) -> Result<Vec<Container>, ComposeError> {
        let ids = self.compose(&["ps", "--quiet", service], ASK_LIMIT)?;
        ids.split_whitespace().map(|id| self.inspect(id)).collect()
    }

    /// The only container of a service.
    pub(super) fn container(&self, service: &str) -> Result<Container, ComposeError> {
        let mut containers = self.containers(service)?;
        match (containers.pop(), containers.len()) {
            (Some(only), 0) => Ok(only),
            _ => Err(ComposeError::Refuted(format!("{service} does not have one container"))),
        }
    }

    fn inspect(&self, id: &str) -> Result<Container, ComposeError> {
        let said =
            self.docker.read(&["inspect", "--format={{json .}}", id], ASK_LIMIT, self.interrupt)?;
        parse_container(&said).ok_or(ComposeError::Unexpected { program: "docker inspect", said })
    }

    /// The volumes of the project's containers that the engine had to make up a name for.
    pub(super) fn nameless_volumes(&self) -> Result<Vec<String>, ComposeError> {
        const NAMES: &str = "--format={{range .Mounts}}{{.Name}} {{end}}";
        let ids = self.compose(&["ps", "--all", "--quiet"], ASK_LIMIT)?;
        let inspect: Vec<_> =
            ["inspect", NAMES].into_iter().chain(ids.split_whitespace()).collect();
        let names = self.docker.read(&inspect, ASK_LIMIT, self.interrupt)?;
        let is_made_up = |name: &&str| name.len() == 64 && !name.contains('_');
        Ok(names.split_whitespace().filter(is_made_up).map(str::to_owned).collect())
    }

    /// Kills the first process of a service as `kill -9` does, and waits until the engine has
    /// restarted it and it is healthy.
    pub(super) fn kill_and_recover(&self, service: &str) -> Result<(), ComposeError> {
        let before = self.container(service)?;
        self.docker.kill(before.pid, self.interrupt)?;
        let what = format!("{service} to recover from kill -9");
        wait_for(&what, UP_LIMIT, self.interrupt, || {
            let now = self.container(service).map_err(|error| error.to_string())?;
            let has_recovered = now.is_healthy && now.restarts > before.restarts;
            if has_recovered { Ok(()) } else { Err(format!("{now:?}")) }
        })
    }

    /// Runs a command in the container of a service.
    pub(super) fn exec(
        &self,
        service: &str,
        command: &[&str],
        limit: Duration,
    ) -> Result<String, ComposeError> {
        self.compose(&[&["exec", "--no-TTY", service], command].concat(), limit)
    }

    /// What RabbitMQ says about the worker's queue: this column of `rabbitmqctl list_queues`.
    pub(super) fn queue(&self, column: &str) -> Result<u64, ComposeError> {
        let list = ["rabbitmqctl", "--quiet", "--no-table-headers", "list_queues", "name", column];
        let said = self.exec("rabbitmq", &list, ASK_LIMIT)?;
        let number = said.lines().find_map(|line| {
            let (name, number) = line.split_once('\t')?;
            (name == "registration.email").then(|| number.trim().parse().ok()).flatten()
        });
        number.ok_or(ComposeError::Unexpected { program: "rabbitmqctl list_queues", said })
    }
}

fn parse_container(json: &str) -> Option<Container> {
    let container: Value = serde_json::from_str(json).ok()?;
    let state = container.get("State")?;
    Some(Container {
        id: container.get("Id")?.as_str()?.to_owned(),
        pid: state.get("Pid")?.as_u64()?,
        is_healthy: state.pointer("/Health/Status")?.as_str()? == "healthy",
        restarts: container.get("RestartCount")?.as_u64()?,
        ran_out_of_memory: state.get("OOMKilled")?.as_bool()?,
    })
}
