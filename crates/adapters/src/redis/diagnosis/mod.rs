//! What an operator should know about Redis: each problem with its remedy. The only write is that
//! of the probe, whose key goes by itself.

mod info;
mod server;

use std::time::Duration;

use domain::Finding;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, RedisError};
use secrecy::ExposeSecret;

use super::options::{RedisOptions, RedisOptionsError};
use super::probe::probe;
use super::supervisor::open;
use crate::diagnosis::{judge_clock, judge_encryption, read_clock};
use info::Info;

const CONNECTION: &str = "redis.connection";
const SCRIPTS: &str = "redis.scripts";
const SERVER: &str = "redis.server";
const WRITES: &str = "redis.writes";

/// A script as harmless as can be: it reads the server's clock.
const READ_CLOCK: &str = "return redis.call('TIME')";

/// Looks at the connection, at how the server is set up, and whether it takes writes under this
/// prefix of keys.
pub async fn diagnose(options: RedisOptions, key_prefix: String) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(last) = examine(&options, &key_prefix, &mut findings).await {
        findings.push(last);
    }
    findings
}

/// Ends with the finding after which nothing more can be asked.
async fn examine(
    options: &RedisOptions,
    key_prefix: &str,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let client = Client::open(options.url.expose_secret()).map_err(|_| {
        Finding::error(CONNECTION, RedisOptionsError.to_string(), "correct redis.url")
    })?;
    let address = client.get_connection_info().addr().clone();
    let redis = connect(&client, &address, options).await?;
    findings.push(Finding::ok(CONNECTION, format!("connected to {address}")));
    findings.push(judge_tls(&address));
    match ask::<String>(&redis, options, &redis::cmd("INFO")).await {
        Ok(answer) => findings.extend(server::judge(&Info::parse(&answer))),
        Err(refusal) => findings.push(Finding::warning(
            SERVER,
            format!("the server does not tell how it is set up: {refusal}"),
            "allow the user of redis.url the command INFO, or look at its settings yourself",
        )),
    }
    findings.push(judge_writes(&redis, options, key_prefix).await);
    findings.push(judge_scripts(&redis, options).await);
    Ok(())
}

async fn connect(
    client: &Client,
    address: &ConnectionAddr,
    options: &RedisOptions,
) -> Result<MultiplexedConnection, Finding> {
    let limit = options.connect_timeout;
    match tokio::time::timeout(limit, open(client, options)).await {
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

/// The answer, or why there is none.
async fn ask<T: FromRedisValue>(
    redis: &MultiplexedConnection,
    options: &RedisOptions,
    command: &Cmd,
) -> Result<T, String> {
    let limit = options.command_timeout;
    match tokio::time::timeout(limit, command.query_async(&mut redis.clone())).await {
        Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

fn judge_tls(address: &ConnectionAddr) -> Finding {
    let (host, is_encrypted) = match address {
        ConnectionAddr::Tcp(host, _) => (host.as_str(), false),
        ConnectionAddr::TcpTls { host, .. } => (host.as_str(), true),
        _ => ("/", false),
    };
    judge_encryption("redis.tls", host, is_encrypted, "write rediss:// in redis.url")
}

async fn judge_writes(
    redis: &MultiplexedConnection,
    options: &RedisOptions,
    key_prefix: &str,
) -> Finding {
    match ask::<()>(redis, options, &probe(key_prefix)).await {
        Ok(()) => Finding::ok(WRITES, "a code's window can be written"),
        Err(refusal) => Finding::error(
            WRITES,
            format!("the server refuses writes: {refusal}"),
            "let redis.url lead to a primary with free memory and disk, whose user may write keys \
             that start with redis.key_prefix",
        ),
    }
}

/// All that is counted is counted in scripts, by the server's clock.
async fn judge_scripts(redis: &MultiplexedConnection, options: &RedisOptions) -> Finding {
    let mut script = redis::cmd("EVAL");
    script.arg(READ_CLOCK).arg(0);
    let before = read_clock();
    match ask::<(u64, u64)>(redis, options, &script).await {
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
