//! PostgreSQL, Redis and RabbitMQ for this run alone; what was promised is on the disk, as in
//! production.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use test_servers::{Interrupt, Postgres, RabbitMq, Redis, Storage};

use crate::error::BenchError;

/// The servers, until this is dropped.
#[derive(Debug)]
pub struct Servers {
    // Dropped in this order: the servers stop before their data goes.
    /// PostgreSQL.
    pub postgres: Postgres,
    /// Redis.
    pub redis: Redis,
    /// RabbitMQ.
    pub rabbitmq: RabbitMq,
    home: TempDir,
}

impl Servers {
    /// Starts them and waits until each answers.
    pub fn start(interrupt: &Interrupt) -> Result<Self, BenchError> {
        let failed = "make a folder for the servers";
        // PostgreSQL runs as another user where root runs us, so not under the target folder.
        let home = tempfile::Builder::new()
            .prefix("registration-bench-")
            .tempdir()
            .map_err(BenchError::io(failed))?;
        fs::set_permissions(home.path(), Permissions::from_mode(0o755))
            .map_err(BenchError::io(failed))?;
        let folder = |name: &str| -> Result<PathBuf, BenchError> {
            let path = home.path().join(name);
            fs::create_dir(&path).map_err(BenchError::io(failed))?;
            Ok(path)
        };
        let mut servers = Self {
            postgres: Postgres::start(&folder("postgres")?, Storage::Durable, interrupt)?,
            redis: Redis::start(&folder("redis")?, Storage::Durable)?,
            rabbitmq: RabbitMq::start(&folder("rabbitmq")?, Storage::Durable)?,
            home,
        };
        servers.postgres.server.wait_until_ready(interrupt)?;
        servers.redis.server.wait_until_ready(interrupt)?;
        servers.rabbitmq.server.wait_until_ready(interrupt)?;
        Ok(servers)
    }

    /// Where the log of a service goes.
    pub fn log(&self, service: &str) -> PathBuf {
        self.home.path().join(format!("{service}.log"))
    }

    /// Where the metrics of a service go when a scenario fails.
    pub(super) fn metrics(&self, service: &str) -> PathBuf {
        self.home.path().join(format!("{service}.metrics"))
    }

    /// Copies the logs and metrics of the last scenario into this folder, because they are deleted
    /// with the servers.
    pub fn keep_logs(&self, folder: &Path) -> Result<(), BenchError> {
        let failed = || BenchError::io(format!("keep the logs in {}", folder.display()));
        fs::create_dir_all(folder).map_err(failed())?;
        for entry in fs::read_dir(self.home.path()).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.join(entry.file_name())).map_err(failed())?;
            }
        }
        Ok(())
    }
}
