//! A private PostgreSQL cluster, trusting everyone who can reach the loopback address.

mod cluster;
mod programs;

use std::path::{Path, PathBuf};

use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::{Interrupt, Signal, tied_to_us};
use crate::readiness::Greeting;
use crate::server::{Recipe, Server, Storage};

/// A PostgreSQL cluster.
#[derive(Debug)]
pub struct Postgres {
    /// What it has in common with the others.
    pub server: Server,
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
        let [port] = free_ports()?;
        let user = cluster::user();
        let data = folder.join("data");
        cluster::create(user, &data, &folder.join("initdb.log"), interrupt)?;

        let mut command = tied_to_us(user, "QUIT", &programs::find("postgres")?);
        command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", &format!("port={port}"), "-c", "unix_socket_directories="]);
        command.args(["-c", "max_connections=300"]);
        if storage == Storage::Disposable {
            // A power cut loses this cluster, and nobody minds: the tests kill our processes, not
            // the machine.
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        let recipe = Recipe {
            name: programs::NAME,
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            port,
            greeting: Greeting { send: startup_message(), answer: b'R' },
            command,
            stop_signal: match storage {
                // PostgreSQL's immediate shutdown. It gives its shared memory back, unlike SIGKILL.
                Storage::Disposable => Signal::QUIT,
                // Its fast shutdown.
                Storage::Durable => Signal::INT,
            },
        };
        Ok(Self { server: Server::start(recipe, folder)? })
    }
}

/// The first message of a client of protocol 3.0; the answer begins with `R` (authentication) once
/// the server serves, and with `E` while it still starts.
fn startup_message() -> Vec<u8> {
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = u8::try_from(8 + parameters.len()).unwrap_or(u8::MAX);
    [&[0, 0, 0, length, 0, 3, 0, 0][..], parameters].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_startup_message_states_its_length() {
        let message = startup_message();
        assert_eq!(usize::from(message[3]), message.len());
    }
}
