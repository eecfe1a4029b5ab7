//! What the stores speak to: one server, the primary that Sentinel names, or a cluster.

use std::time::Duration;

use futures::future::try_join_all;
use redis::{FromRedisValue, Pipeline, Value};
use secrecy::ExposeSecret;
use spans::{Kind, Span};

use super::cluster::Cluster;
use super::command::Command;
use super::deadline::Deadline;
use super::destination::Destination;
use super::error::ConnectionError;
use super::node::Node;
use super::options::{RedisOptions, RedisOptionsError};
use super::probe::{probe, probe_key};
use super::url::Servers;

/// A connection that reconnects by itself. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct Connection {
    route: Route,
    command_timeout: Duration,
}

#[derive(Clone)]
enum Route {
    Node(Node),
    Cluster(Cluster),
}

/// Returns at once and connects in the background, so that a service can start without Redis. Must
/// be called within a tokio runtime.
pub fn connect(options: RedisOptions) -> Result<Connection, RedisOptionsError> {
    let command_timeout = options.command_timeout;
    let route = match Servers::parse(options.url.expose_secret())? {
        Servers::One(server) => {
            Route::Node(Node::connect(Destination::Server(server.into()), options))
        }
        Servers::Sentinel(sentinels) => {
            Route::Node(Node::connect(Destination::Primary(sentinels.into()), options))
        }
        Servers::Cluster(seeds) => Route::Cluster(Cluster::connect(seeds, options)),
    };
    Ok(Connection { route, command_timeout })
}

impl Connection {
    /// Runs a command or a script.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        command: &Command<'_>,
    ) -> Result<T, ConnectionError> {
        let deadline = Deadline::within(self.command_timeout);
        let work = async { read(self.send(command, deadline).await?) };
        span(command.name()).run(work).await
    }

    /// Runs commands in their order, one after the other: in one round trip if one server has all
    /// the keys. Then scripts are expected to be known there, and the first error is that of all.
    pub(super) async fn query_all<T: FromRedisValue>(
        &self,
        commands: &[Command<'_>],
    ) -> Result<T, ConnectionError> {
        span("PIPELINE").run(self.send_all(commands)).await
    }

    /// Writes a key that starts with `<prefix>:probe` and goes by itself on every primary there is.
    pub(super) async fn probe(&self, prefix: &str) -> Result<(), ConnectionError> {
        let deadline = Deadline::within(self.command_timeout);
        let keys = match &self.route {
            Route::Node(_) => vec![probe_key(prefix)],
            Route::Cluster(cluster) => cluster.probe_keys(prefix, deadline).await?,
        };
        let probes = keys.into_iter().map(async |key| self.send(&probe(key), deadline).await);
        try_join_all(probes).await?;
        Ok(())
    }

    async fn send_all<T: FromRedisValue>(
        &self,
        commands: &[Command<'_>],
    ) -> Result<T, ConnectionError> {
        let deadline = Deadline::within(self.command_timeout);
        let Route::Node(node) = &self.route else {
            let mut answers = Vec::with_capacity(commands.len());
            for command in commands {
                answers.push(self.send(command, deadline).await?);
            }
            return read(Value::Array(answers));
        };
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command.bare().clone());
        }
        node.run(deadline, async |mut redis| pipeline.query_async(&mut redis).await).await
    }

    async fn send(
        &self,
        command: &Command<'_>,
        deadline: Deadline,
    ) -> Result<Value, ConnectionError> {
        match &self.route {
            Route::Node(node) => node.send(command, false, deadline).await,
            Route::Cluster(cluster) => cluster.send(command, deadline).await,
        }
    }
}

/// The span of a command. Its arguments, keys among them, are left out.
fn span(operation: &'static str) -> Span {
    Span::part(operation, Kind::Client)
        .with("db.system.name", "redis")
        .with("db.operation.name", operation)
}

fn read<T: FromRedisValue>(answer: Value) -> Result<T, ConnectionError> {
    T::from_redis_value(answer).map_err(|error| ConnectionError::Failed(error.into()))
}
