//! One server: the connection, how it is set up, and whether it does what it is needed for.

use std::fmt::Display;
use std::time::Duration;

use domain::{Finding, Severity};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, RedisError};

use super::super::open::open;
use super::super::options::RedisOptions;
use super::super::probe::probe;
use super::info::Info;
use super::server::{self, Part};
use crate::diagnosis::{judge_clock, judge_encryption, read_clock};

pub(super) const CONNECTION: &str = "redis.connection";
const SCRIPTS: &str = "redis.scripts";
const SERVER: &str = "redis.server";
const WRITES: &str = "redis.writes";

/// A script as harmless as can be: it reads the server's clock.
const READ_CLOCK: &str = "return redis.call('TIME')";

/// Examines servers with the timeouts that the services have.
pub(super) struct Examination<'a> {
    pub(super) options: &'a RedisOptions,
}

impl Examination<'_> {
    /// Everything there is to say of one server. A server that takes writes is asked to take
    /// `probe`, a key.
    pub(super) async fn of_server(
        &self,
        server: &ConnectionInfo,
        part: Part,
        probe: Option<String>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let redis = match self.connect(server).await {
            Ok(redis) => redis,
            Err(refusal) => return vec![refusal],
        };
        findings.push(Finding::ok(CONNECTION, format!("connected to {}", server.addr())));
        findings.push(judge_tls(server.addr()));
        match self.ask::<String>(&redis, &redis::cmd("INFO")).await {
            Ok(answer) => findings.extend(server::judge(&Info::parse(&answer), part)),
            Err(refusal) => findings.push(Finding::warning(
                SERVER,
                format!("the server does not tell how it is set up: {refusal}"),
                "allow the user of redis.url the command INFO, or look at its settings yourself",
            )),
        }
        if let Some(key) = probe {
            findings.push(self.judge_writes(&redis, key).await);
            findings.push(self.judge_scripts(&redis).await);
        }
        findings
    }

    /// The same of one of many: only what is wrong is told in full.
    pub(super) async fn of_member(
        &self,
        server: &ConnectionInfo,
        part: Part,
        probe: Option<String>,
    ) -> Vec<Finding> {
        let (address, findings) = (server.addr(), self.of_server(server, part, probe).await);
        let problems: Vec<_> = findings
            .into_iter()
            .filter(|finding| finding.severity > Severity::Ok)
            .map(|finding| Finding { message: about(address, &finding.message), ..finding })
            .collect();
        if problems.is_empty() {
            return vec![Finding::ok(SERVER, about(address, "nothing is wrong with it"))];
        }
        problems
    }

    pub(super) async fn connect(
        &self,
        server: &ConnectionInfo,
    ) -> Result<MultiplexedConnection, Finding> {
        let (limit, address) = (self.options.connect_timeout, server.addr());
        match tokio::time::timeout(limit, open(server, self.options)).await {
            Ok(Ok(redis)) => Ok(redis),
            Ok(Err(error)) => {
                let message = format!("no connection to {address}: {error}");
                Err(Finding::error(CONNECTION, message, remedy(&error)))
            }
            Err(_) => Err(Finding::error(
                CONNECTION,
                format!("{address} does not answer within {limit:?}"),
                "check host and port in redis.url and the firewalls in between, or raise redis.timeout",
            )),
        }
    }

    /// The answer, or why there is none.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        redis: &MultiplexedConnection,
        command: &Cmd,
    ) -> Result<T, String> {
        let limit = self.options.command_timeout;
        match tokio::time::timeout(limit, command.query_async(&mut redis.clone())).await {
            Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
            Err(_) => Err(format!("no answer within {limit:?}")),
        }
    }

    async fn judge_writes(&self, redis: &MultiplexedConnection, key: String) -> Finding {
        match self.ask::<()>(redis, probe(key).bare()).await {
            Ok(()) => Finding::ok(WRITES, "a code's window can be written"),
            Err(refusal) => Finding::error(
                WRITES,
                format!("the server refuses writes: {refusal}"),
                "let redis.url lead to a primary with free memory and disk, whose user may write \
                 keys that start with redis.key_prefix",
            ),
        }
    }

    /// All that is counted is counted in scripts, by the server's clock.
    async fn judge_scripts(&self, redis: &MultiplexedConnection) -> Finding {
        let mut script = redis::cmd("EVAL");
        script.arg(READ_CLOCK).arg(0);
        let before = read_clock();
        match self.ask::<(u64, u64)>(redis, &script).await {
            Ok((seconds, micros)) => {
                let server = Duration::from_secs(seconds) + Duration::from_micros(micros);
                judge_clock("redis.clock", before, server, read_clock())
            }
            Err(refusal) => Finding::error(
                SCRIPTS,
                format!("the server refuses scripts: {refusal}"),
                "allow the user of redis.url the category @scripting and the command TIME",
            ),
        }
    }
}

fn about(address: &impl Display, message: &str) -> String {
    format!("{address}: {message}")
}

fn remedy(error: &RedisError) -> &'static str {
    if error.kind() == ErrorKind::AuthenticationFailed || error.code() == Some("NOAUTH") {
        "check user and password in redis.url"
    } else if error.is_timeout() {
        "check host and port in redis.url and the firewalls in between, or raise redis.timeout"
    } else if error.to_string().contains("certificate") {
        "let the server have a certificate for the host in redis.url, and set SSL_CERT_FILE if \
         your own authority signed it"
    } else {
        "start the server, or correct redis.url: rediss:// is for TLS, redis:// for none"
    }
}

fn judge_tls(address: &ConnectionAddr) -> Finding {
    let (host, is_encrypted) = match address {
        ConnectionAddr::Tcp(host, _) => (host.as_str(), false),
        ConnectionAddr::TcpTls { host, .. } => (host.as_str(), true),
        _ => ("/", false),
    };
    judge_encryption("redis.tls", host, is_encrypted, "write rediss in place of redis in redis.url")
}
