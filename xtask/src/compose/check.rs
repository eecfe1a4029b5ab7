//! What is wrong with compose.yaml can mostly be seen without starting it.

use std::process::Command;

use super::command::read;
use super::docker::{ASK_LIMIT, Docker};
use super::error::ComposeError;
use super::tools::Tools;
use crate::process::{Interrupt, succeed};
use crate::{npm, workspace};

/// Has Compose read compose.yaml, and dclint look at it.
pub(crate) fn check(interrupt: &Interrupt) -> Result<(), ComposeError> {
    let mut config = compose(interrupt)?;
    config.current_dir(workspace::root()).args(["--file=compose.yaml", "config", "--quiet"]);
    read(&mut config, ASK_LIMIT, interrupt)?;
    let mut dclint = Command::new(npm::ensure_dclint(interrupt)?);
    dclint.current_dir(workspace::root()).args(["--max-warnings=0", "compose.yaml"]);
    Ok(succeed(&mut dclint, interrupt)?)
}

/// The Compose of this machine, or else the one that the trials use. Neither needs an engine.
fn compose(interrupt: &Interrupt) -> Result<Command, ComposeError> {
    let docker = Docker::of_this_machine();
    if docker.read(&["compose", "version"], ASK_LIMIT, interrupt).is_ok() {
        let mut command = docker.command();
        command.arg("compose");
        return Ok(command);
    }
    let tools = Tools::unpack(interrupt)?;
    Ok(Command::new(tools.path("libexec/docker/cli-plugins/docker-compose")))
}
