//! Redis servers of a test's own, beside the one that the test run is given.

use std::process::{Child, Command, Stdio};

use adapters::redis::RedisCodeStore;
use domain::ports::CodeStore;
use test_servers::Redis;
use test_support::eventually_within;

use crate::RECOVERY_TIMEOUT;

/// A server of the test's own, killed with it. Keeps nothing on disk.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(port, &[])
    }

    /// Starts one with further arguments.
    pub(crate) fn start_with(port: u16, arguments: &[String]) -> Self {
        let program = Redis::program().expect("no redis-server: run `cargo xtask test`");
        let process = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// Waits until a store can use its server.
pub(crate) async fn until_available(store: &RedisCodeStore) {
    eventually_within(RECOVERY_TIMEOUT, "the store to recover", async || store.ping().await.ok())
        .await;
}
