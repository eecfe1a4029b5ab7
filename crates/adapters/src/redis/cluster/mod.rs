//! A Redis Cluster: each command goes to the node that has the slot of its key.
//!
//! The redis crate's own client for clusters is not used: after an error of a connection it sends
//! the command again unless it may not follow redirections either, and it makes every command wait
//! while it looks for the nodes. Here only a node's refusal, MOVED or ASK, sends a command on to
//! another node: what was refused was not carried out. While a shard is away, what it has fails at
//! once, and the rest goes on.

mod slot_map;
mod slots;
mod topology;
mod view;

use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionInfo, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::address::Address;
use super::command::Command;
use super::deadline::Deadline;
use super::error::ConnectionError;
use super::options::RedisOptions;
use super::probe::probe_key;
use slots::slot_of;
use topology::Topology;

pub(super) use slot_map::SlotMap;
pub(super) use view::view_of;

/// How often a command is sent on before it is given up: nodes that disagree about a slot for so
/// long have to settle that first.
const MOST_REDIRECTIONS: usize = 5;
/// How often one looks at a cluster of which nothing bad is known.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The delay after a look; it doubles up to the longest while something is wrong.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// A cluster. Cheap to clone; its connections are closed when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Cluster(Arc<Shared>);

struct Shared {
    topology: Arc<Topology>,
    observer: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.observer.abort();
    }
}

/// Where a node sends a command on to.
struct Redirection {
    to: Address,
    /// For this command only: its slot is under way to the other node.
    asking: bool,
}

impl Cluster {
    /// Returns at once; the nodes are looked for in the background. Must be called within a tokio
    /// runtime.
    pub(super) fn connect(seeds: Vec<ConnectionInfo>, options: RedisOptions) -> Self {
        let topology = Arc::new(Topology::new(seeds, options));
        let watched = topology.clone();
        let observer = supervisor::supervise("redis-cluster", move || observe(watched.clone()));
        Self(Arc::new(Shared { topology, observer }))
    }

    /// Sends a command to the node that carries it out, following redirections.
    pub(super) async fn send(
        &self,
        command: &Command<'_>,
        deadline: Deadline,
    ) -> Result<Value, ConnectionError> {
        let topology = &self.0.topology;
        let result = self.send_on(command, deadline).await;
        if result.is_err() {
            topology.suspicion.notify_one();
        }
        result
    }

    async fn send_on(
        &self,
        command: &Command<'_>,
        deadline: Deadline,
    ) -> Result<Value, ConnectionError> {
        let topology = &self.0.topology;
        let map = topology.map(deadline).await?;
        let owner = map.owner(slot_of(command.key())).ok_or_else(without_node)?;
        let mut target = Redirection { to: owner.clone(), asking: false };
        for _ in 0..MOST_REDIRECTIONS {
            let answer = topology.node(&target.to).send(command, target.asking, deadline).await;
            let redirection = match &answer {
                Err(ConnectionError::Failed(error)) => read_redirection(error, &target.to.host),
                _ => None,
            };
            let Some(redirection) = redirection else { return answer };
            if !redirection.asking {
                topology.suspicion.notify_one();
            }
            target = redirection;
        }
        let lost = "the nodes of the cluster send the command to one another";
        Err(ConnectionError::Failed((ErrorKind::Client, lost).into()))
    }

    /// For each primary a key that it has, which starts with `<prefix>:probe`.
    pub(super) async fn probe_keys(
        &self,
        prefix: &str,
        deadline: Deadline,
    ) -> Result<Vec<String>, ConnectionError> {
        let map = self.0.topology.map(deadline).await?;
        if !map.is_complete() {
            return Err(without_node());
        }
        Ok(map.key_of_each(&probe_key(prefix)).into_iter().map(|(_, key)| key).collect())
    }
}

fn without_node() -> ConnectionError {
    let error = (ErrorKind::ClusterConnectionNotFound, "a slot of the cluster has no node");
    ConnectionError::NotConnected(error.into())
}

fn read_redirection(error: &RedisError, own_host: &str) -> Option<Redirection> {
    let asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
    let (to, _slot) = error.redirect_node()?;
    Some(Redirection { to: Address::parse(to, own_host)?, asking })
}

/// Looks at the cluster again and again, sooner while something is wrong.
async fn observe(topology: Arc<Topology>) {
    let mut delay = FIRST_DELAY;
    loop {
        if topology.look().await {
            // Many operations may find out at once that a slot has moved.
            sleep(FIRST_DELAY).await;
            delay = FIRST_DELAY;
            let _ = timeout(LOOK_INTERVAL, topology.suspicion.notified()).await;
        } else {
            sleep(delay).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }
}
