//! What a node and its tools are told by environment variables.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ServerError;

/// Erlang's schedulers spin for a while before they sleep, which takes from whoever shares the cores.
const SLEEP_WHEN_IDLE: &str = "+sbwt none +sbwtdcpu none +sbwtdio none";

/// The variables: everything that is read or written is in one folder, and everything that is
/// listened on belongs to the loopback address.
#[derive(Debug)]
pub(super) struct Environment {
    variables: Vec<(&'static str, OsString)>,
    /// What the nodes of a cluster have in common.
    pub(super) family: Family,
    /// The name of the node.
    pub(super) node: String,
}

/// What the nodes of a cluster have in common.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// Where Erlang keeps the cookie that nodes show each other.
    pub(super) home: PathBuf,
    /// The port of the Erlang port mapper.
    pub(super) mapper_port: u16,
}

impl Environment {
    /// Of a node that is yet to start, and then joins the node `joins`.
    pub(super) fn new(
        folder: &Path,
        [port, distribution_port]: [u16; 2],
        family: &Family,
        joins: Option<&str>,
    ) -> Result<Self, ServerError> {
        let path = |name: &str| folder.join(name).into_os_string();
        let node = format!("registration-test-{port}@localhost");
        let cluster = joins.map(|other| formation(other, &node)).unwrap_or_default();
        let configuration = format!("listeners.tcp.1 = 127.0.0.1:{port}\n{cluster}");
        write(path("rabbitmq.conf"), &configuration)?;
        write(path("enabled_plugins"), "[].\n")?;
        let variables = vec![
            ("HOME", family.home.clone().into()),
            ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config")),
            ("RABBITMQ_CONF_ENV_FILE", path("rabbitmq-env.conf")),
            ("RABBITMQ_MNESIA_BASE", path("mnesia")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", path("config")),
            ("RABBITMQ_SCHEMA_DIR", path("schema")),
            ("RABBITMQ_PID_FILE", path("pid")),
            ("RABBITMQ_LOG_BASE", folder.into()),
            ("RABBITMQ_LOGS", "-".into()),
            ("RABBITMQ_NODENAME", node.clone().into()),
            ("RABBITMQ_DIST_PORT", distribution_port.to_string().into()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                format!("-kernel inet_dist_use_interface {{127,0,0,1}} {SLEEP_WHEN_IDLE}").into(),
            ),
            ("ERL_EPMD_PORT", family.mapper_port.to_string().into()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
            // Makes the script replace itself by the node instead of waiting for it, so that there
            // is one process to stop.
            ("RUNNING_UNDER_SYSTEMD", "true".into()),
        ];
        Ok(Self { variables, family: family.clone(), node })
    }

    /// Gives it to a program instead of our own.
    pub(super) fn apply_to(&self, command: &mut Command) {
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("RABBITMQ_")) {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// Configuration of a node that joins another at its first start. It must name both.
fn formation(other: &str, node: &str) -> String {
    let key = "cluster_formation";
    format!(
        "{key}.peer_discovery_backend = classic_config\n\
         {key}.classic_config.nodes.1 = {other}\n\
         {key}.classic_config.nodes.2 = {node}\n"
    )
}

fn write(path: impl AsRef<Path>, text: &str) -> Result<(), ServerError> {
    let path = path.as_ref();
    fs::write(path, text).map_err(|source| ServerError::Folder { path: path.to_owned(), source })
}
