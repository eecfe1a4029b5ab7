//! The nodes of a cluster: which there are, which slots each has, and a connection to each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use redis::{ConnectionInfo, ErrorKind, RedisError};
use tokio::sync::{Notify, watch};
use tokio::time::timeout_at;

use super::super::address::Address;
use super::super::deadline::Deadline;
use super::super::destination::Destination;
use super::super::error::ConnectionError;
use super::super::node::Node;
use super::super::open::open;
use super::super::options::RedisOptions;
use super::slot_map::SlotMap;
use super::view::{View, view_of};

/// What is known of the cluster.
pub(super) struct Topology {
    /// The nodes that the URL names, at least one. They are asked while no other is known, and all
    /// nodes are spoken to like the first.
    seeds: Vec<ConnectionInfo>,
    options: RedisOptions,
    nodes: Mutex<HashMap<Address, Node>>,
    known: watch::Sender<Known>,
    /// Asks for a new look at the cluster.
    pub(super) suspicion: Notify,
}

/// Which node has which slots.
enum Known {
    /// The first attempt to find out is under way: operations wait.
    NotYet,
    Map(Arc<SlotMap>),
    /// Nobody has told since the start.
    Nobody(RedisError),
}

impl Topology {
    pub(super) fn new(seeds: Vec<ConnectionInfo>, options: RedisOptions) -> Self {
        let known = watch::Sender::new(Known::NotYet);
        Self { seeds, options, nodes: Mutex::default(), known, suspicion: Notify::new() }
    }

    /// The map, as soon as there is one.
    pub(super) async fn map(&self, deadline: Deadline) -> Result<Arc<SlotMap>, ConnectionError> {
        let mut known = self.known.subscribe();
        let told = known.wait_for(|known| !matches!(known, Known::NotYet));
        match timeout_at(deadline.end, told).await.map_err(|_| deadline.exceeded())?.as_deref() {
            Ok(Known::Map(map)) => Ok(Arc::clone(map)),
            Ok(Known::Nobody(error)) => Err(ConnectionError::NotConnected(error.clone())),
            Ok(Known::NotYet) | Err(_) => Err(ConnectionError::Closed),
        }
    }

    /// The connection to a node, which is begun if there is none.
    pub(super) fn node(&self, address: &Address) -> Node {
        let mut nodes = self.nodes();
        let connect = || {
            let server = Destination::Server(address.like(&self.seeds[0]).into());
            Node::connect(server, self.options.clone())
        };
        nodes.entry(address.clone()).or_insert_with(connect).clone()
    }

    /// Finds out which node has which slots. Returns whether all is well: each slot has a primary,
    /// to which there is a connection.
    pub(super) async fn look(&self) -> bool {
        match self.ask_around().await {
            Ok(View { map, .. }) => {
                self.use_map(&map);
                let is_well = map.is_complete() && self.are_up(&map);
                self.known.send_replace(Known::Map(map.into()));
                is_well
            }
            Err(error) => {
                // What was known stays true as far as it goes.
                self.known.send_if_modified(|known| {
                    let is_start = !matches!(known, Known::Map(_));
                    if is_start {
                        *known = Known::Nobody(error);
                    }
                    is_start
                });
                false
            }
        }
    }

    /// Of what the connected nodes tell, the latest; the seeds are asked if none tells anything.
    async fn ask_around(&self) -> Result<View, RedisError> {
        let connected: Vec<_> = {
            let nodes = self.nodes();
            nodes
                .iter()
                .filter(|(_, node)| node.is_up())
                .map(|(a, n)| (a.clone(), n.clone()))
                .collect()
        };
        let views = connected.iter().map(async |(address, node)| {
            let deadline = Deadline::within(self.options.command_timeout);
            node.run(deadline, async |redis| view_of(redis, &address.host).await).await.ok()
        });
        let views = join_all(views).await.into_iter().flatten();
        match views.max_by_key(|view| view.epoch) {
            Some(view) => Ok(view),
            None => self.ask_seeds().await,
        }
    }

    async fn ask_seeds(&self) -> Result<View, RedisError> {
        let mut failure = (ErrorKind::ClusterConnectionNotFound, "no node is named").into();
        for seed in &self.seeds {
            let host = Address::of(seed).map(|address| address.host).unwrap_or_default();
            let deadline = Deadline::within(self.options.connect_timeout);
            let view = async { view_of(open(seed, &self.options).await?, &host).await };
            match timeout_at(deadline.end, view).await {
                Ok(Ok(view)) => return Ok(view),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
            }
        }
        Err(failure)
    }

    /// Connects to each primary. A node that has left keeps its connection while it answers.
    fn use_map(&self, map: &SlotMap) {
        let primaries = map.primaries();
        self.nodes().retain(|address, node| primaries.contains(address) || node.is_up());
        for primary in primaries {
            self.node(primary);
        }
    }

    fn are_up(&self, map: &SlotMap) -> bool {
        map.primaries().into_iter().all(|primary| self.node(primary).is_up())
    }

    fn nodes(&self) -> MutexGuard<'_, HashMap<Address, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
