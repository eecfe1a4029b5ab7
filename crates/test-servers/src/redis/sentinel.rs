//! A private Redis with a replica, and three Sentinels that watch over them.

use std::path::Path;

use super::{Redis, cli, folder_in, recipe};
use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::{Interrupt, tied_to_us};
use crate::server::{Server, Storage};
use crate::tool::{self, wait_until};

/// What the Sentinels call the servers.
const SERVICE: &str = "main";

/// Two servers, one of which is the primary, and three Sentinels.
#[derive(Debug)]
pub struct RedisSentinel {
    /// First the one that began as the primary.
    pub servers: [Redis; 2],
    /// They agree by two.
    pub sentinels: [Server; 3],
}

impl RedisSentinel {
    /// Starts all of `program` with their data in `folder`, which exists, and waits until a fail-over would be
    /// possible.
    pub fn start(
        program: &Path,
        folder: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let within = |name| folder_in(folder, name);
        let mut primary = Redis::start_program(program, &within("primary")?, Storage::Durable)?;
        let mut replica = Redis::start_program(program, &within("replica")?, Storage::Durable)?;
        primary.server.wait_until_ready(interrupt)?;
        replica.server.wait_until_ready(interrupt)?;
        replica.become_replica_of(([127, 0, 0, 1], primary.server.port()).into())?;
        wait_until("the replica to have what the primary has", || {
            Ok(replica.ask(&["INFO", "replication"])?.contains("master_link_status:up"))
        })?;
        let watched = primary.server.port();
        let mut sentinels = [
            start_sentinel(program, &within("one")?, watched)?,
            start_sentinel(program, &within("two")?, watched)?,
            start_sentinel(program, &within("three")?, watched)?,
        ];
        for sentinel in &mut sentinels {
            sentinel.wait_until_ready(interrupt)?;
        }
        let these = Self { servers: [primary, replica], sentinels };
        wait_until("the Sentinels to know each other and the replica", || these.is_ready())?;
        Ok(these)
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port()));
        format!("redis+sentinel://{}/{SERVICE}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Lets the Sentinels make the other server the primary; they need seconds.
    pub fn begin_fail_over(&self) -> Result<(), ServerError> {
        let command = cli(self.sentinels[0].port(), &["SENTINEL", "FAILOVER", SERVICE]);
        match tool::output(&command)? {
            answer if answer.starts_with("OK") => Ok(()),
            problem => Err(ServerError::Tool { command: crate::process::text(&command), problem }),
        }
    }

    /// Waits until a server is the primary, and every Sentinel says so.
    pub fn wait_for_primary(&self, server: usize) -> Result<(), ServerError> {
        let port = self.servers[server].server.port().to_string();
        wait_until("the server to become the primary", || {
            let named = self.told_by_each("GET-MASTER-ADDR-BY-NAME")?;
            Ok(named.iter().all(|told| told.lines().last() == Some(&port)))
        })?;
        wait_until("the server to take writes", || self.servers[server].is_primary())
    }

    fn is_ready(&self) -> Result<bool, ServerError> {
        let told = self.told_by_each("MASTER")?;
        Ok(told.iter().all(|told| {
            let lines: Vec<_> = told.lines().collect();
            let is_there = |name, value| lines.windows(2).any(|pair| pair == [name, value]);
            is_there("num-slaves", "1") && is_there("num-other-sentinels", "2")
        }))
    }

    fn told_by_each(&self, question: &str) -> Result<Vec<String>, ServerError> {
        let ask = |sentinel: &Server| {
            tool::output(&cli(sentinel.port(), &["SENTINEL", question, SERVICE]))
        };
        self.sentinels.iter().map(ask).collect()
    }
}

fn start_sentinel(program: &Path, folder: &Path, watched: u16) -> Result<Server, ServerError> {
    let [port] = free_ports()?;
    let file = folder.join("sentinel.conf");
    let settings = format!(
        "bind 127.0.0.1\nport {port}\ndir {}\n\
         sentinel monitor {SERVICE} 127.0.0.1 {watched} 2\n\
         sentinel down-after-milliseconds {SERVICE} 2000\n\
         sentinel failover-timeout {SERVICE} 3000\n",
        folder.display()
    );
    std::fs::write(&file, settings)
        .map_err(|source| ServerError::Folder { path: file.clone(), source })?;
    let mut command = tied_to_us(None, "TERM", program);
    command.arg(&file).arg("--sentinel");
    Server::start(recipe("Sentinel", format!("redis://127.0.0.1:{port}/"), port, command), folder)
}
