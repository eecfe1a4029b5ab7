//! A private Redis: no file on disk, gone when it stops.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::server::{Greeting, Kind, Server, ServerError, free_ports, log_to};
use crate::packages::Package;
use crate::process::{Group, Interrupt, find_program, tied_to_us};

pub(super) const KIND: Kind = Kind {
    name: "Redis",
    variable: "TEST_REDIS_URL",
    package: Package { name: "redis-server", find: program },
    start,
};

fn program() -> Option<PathBuf> {
    find_program("redis-server", &[])
}

fn start(folder: &Path, _: &Interrupt) -> Result<Server, ServerError> {
    let program = program().ok_or(ServerError::NotInstalled("redis-server"))?;
    let [port] = free_ports()?;
    let log = folder.join("log");
    let mut command = tied_to_us(None, "TERM", &program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--daemonize", "no"]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder);
    log_to(&mut command, &log)?;
    Ok(Server {
        url: format!("redis://127.0.0.1:{port}/"),
        port,
        greeting: Greeting { send: b"PING\r\n".to_vec(), answer: b'+' },
        log,
        groups: vec![Group::start(&mut command, Signal::TERM)?],
    })
}
