//! A private PostgreSQL cluster, trusting everyone who can reach the loopback address.

mod cluster;
mod disk;
mod programs;

use std::path::{Path, PathBuf};
use std::process::Command;

use disk::Disk;

use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::{Interrupt, Signal, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};
use crate::tool;

/// A PostgreSQL cluster.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: the server stops before its disk goes.
    /// What it has in common with the others.
    pub server: Server,
    disk: Option<Disk>,
}

impl Postgres {
    /// The package of Debian and Ubuntu that brings it.
    pub const PACKAGE: &str = programs::PACKAGE;

    /// Where its program is, if it is installed.
    pub fn program() -> Option<PathBuf> {
        programs::find("initdb").and_then(|_| programs::find("postgres")).ok()
    }

    /// Starts one with its data in `folder`, which exists; it need not be ready yet. Where root
    /// calls this, the cluster runs as the user `postgres`, who must be able to reach `folder`.
    pub fn start(
        folder: &Path,
        storage: Storage,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let data = folder.join("data");
        cluster::create(&data, None, &folder.join("initdb.log"), interrupt)?;
        let server = Server::start(recipe(&data, None, storage, free_port()?)?, folder)?;
        Ok(Self { server, disk: None })
    }

    /// The same with its data on a disk of 256 MiB, which can be filled and broken. Only root may
    /// mount such a disk.
    pub fn start_on_small_disk(folder: &Path, interrupt: &Interrupt) -> Result<Self, ServerError> {
        let disk = Disk::new(folder, interrupt)?;
        let data = disk.mount_point().join("data");
        cluster::create(&data, Some(&disk), &folder.join("initdb.log"), interrupt)?;
        let recipe = recipe(&data, Some(&disk), Storage::Durable, free_port()?)?;
        let server = Server::start(recipe, folder)?;
        Ok(Self { server, disk: Some(disk) })
    }

    /// Starts a streaming standby of the primary at `primary_url`, which has to be ready, with a copy
    /// of its data in `folder`; it need not be ready yet, nor have caught up. It listens on `port`,
    /// where a server was that has ended, or on a free one.
    pub fn start_standby(
        folder: &Path,
        primary_url: &str,
        port: Option<u16>,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let data = folder.join("data");
        cluster::copy(primary_url, &data, &folder.join("basebackup.log"), interrupt)?;
        let port = port.map_or_else(free_port, Ok)?;
        let server = Server::start(recipe(&data, None, Storage::Durable, port)?, folder)?;
        Ok(Self { server, disk: None })
    }

    /// From now on a commit is acknowledged once it is on the disk of a standby, too. Waits until
    /// one is there.
    pub fn require_standby(&self) -> Result<(), ServerError> {
        self.sql(&["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"])?;
        let count = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        tool::wait_until("a synchronous standby", || Ok(self.sql(&[count])? == "1"))
    }

    /// Makes a standby the primary, and waits until it takes writes.
    pub fn promote(&self) -> Result<(), ServerError> {
        self.sql(&["SELECT pg_promote()"]).map(drop)
    }

    /// Breaks the connections of all clients, who may connect again.
    pub fn disconnect_clients(&self) -> Result<(), ServerError> {
        let query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        self.sql(&[query]).map(drop)
    }

    /// Takes all the space on its disk. Once its log finds none it ends, and cannot start again
    /// before `free_disk`.
    pub fn fill_disk(&self) -> Result<(), ServerError> {
        self.disk()?.fill()
    }

    /// Ends what `fill_disk` began.
    pub fn free_disk(&self) -> Result<(), ServerError> {
        self.disk()?.free()
    }

    /// Breaks its disk: what is there can be read, nothing can be written. It ends at the first
    /// transaction that writes, and cannot start again before `repair_disk`.
    pub fn make_disk_read_only(&self) -> Result<(), ServerError> {
        self.disk()?.make_read_only()
    }

    /// Ends what `make_disk_read_only` began. The server is killed for it, if it still runs, and has
    /// to be started again.
    pub fn repair_disk(&mut self) -> Result<(), ServerError> {
        self.server.kill();
        self.disk()?.repair()
    }

    /// Makes every transaction read-only that does not say otherwise, or ends that. Sessions that
    /// are open follow with their next transaction.
    pub fn set_read_only(&self, is_read_only: bool) -> Result<(), ServerError> {
        let value = if is_read_only { "on" } else { "off" };
        self.sql(&[
            &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"),
            "SELECT pg_reload_conf()",
        ])?;
        // The server reads its settings a moment later; each new session shows those it has read.
        tool::wait_until("the server to read its settings", || {
            Ok(self.sql(&["SHOW default_transaction_read_only"])? == value)
        })
    }

    /// How many clients are connected, beside the one that asks.
    pub fn connections(&self) -> Result<u64, ServerError> {
        let query = "SELECT count(*) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let answer = self.sql(&[query])?;
        answer.parse().map_err(|_| ServerError::Tool { command: query.to_owned(), problem: answer })
    }

    /// Runs statements in a session of its own, each in its own transaction. Returns the rows of all,
    /// a line each, with `|` between their fields.
    pub fn sql(&self, statements: &[&str]) -> Result<String, ServerError> {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet"]);
        psql.args(["--set=ON_ERROR_STOP=1", "--dbname", self.server.url()]);
        for statement in statements {
            psql.args(["--command", statement]);
        }
        tool::output(&psql)
    }

    /// The first message of a client of protocol 3.0; the answer begins with `R` (authentication)
    /// once the server serves, and with `E` while it still starts.
    pub(crate) fn startup_message() -> Vec<u8> {
        let parameters = b"user\0postgres\0database\0postgres\0\0";
        let length = u8::try_from(8 + parameters.len()).unwrap_or(u8::MAX);
        [&[0, 0, 0, length, 0, 3, 0, 0][..], parameters].concat()
    }

    /// The user that the server, and what belongs to it, runs as; None: as we do.
    pub(crate) fn user() -> Option<&'static str> {
        cluster::user()
    }

    fn disk(&self) -> Result<&Disk, ServerError> {
        self.disk.as_ref().ok_or(ServerError::SharedDisk(programs::NAME))
    }
}

fn free_port() -> Result<u16, ServerError> {
    free_ports().map(|[port]| port)
}

/// A server on this port with the cluster in the folder `data`.
fn recipe(
    data: &Path,
    disk: Option<&Disk>,
    storage: Storage,
    port: u16,
) -> Result<Recipe, ServerError> {
    let mut command = tied_to_us(cluster::user(), "QUIT", &programs::find("postgres")?);
    command.arg("-D").arg(data).args(["-c", "listen_addresses=127.0.0.1"]);
    command.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories="]);
    command.args(["-c", "max_connections=300"]);
    if storage == Storage::Disposable {
        // A power cut loses this cluster, and nobody minds: the tests kill our processes, not the
        // machine.
        command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
    }
    if let Some(disk) = disk {
        command = disk.enter(&command);
    }
    Ok(Recipe {
        name: programs::NAME,
        url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        port,
        greeting: Greeting { send: Postgres::startup_message(), answer: b'R' },
        command,
        stop_signal: match storage {
            // PostgreSQL's immediate shutdown. It gives its shared memory back, unlike SIGKILL.
            Storage::Disposable => Signal::QUIT,
            // Its fast shutdown.
            Storage::Durable => Signal::INT,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_startup_message_states_its_length() {
        let message = Postgres::startup_message();
        assert_eq!(usize::from(message[3]), message.len());
    }
}
