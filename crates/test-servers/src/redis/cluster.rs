//! A private Redis Cluster.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::{Redis, folder_in};
use crate::error::ServerError;
use crate::ports::free_ports;
use crate::process::Interrupt;
use crate::server::Storage;
use crate::tool::wait_until;

/// How many slots a cluster has.
const SLOTS: usize = 16_384;

/// Nodes that know each other and have all the slots.
#[derive(Debug)]
pub struct RedisCluster {
    /// First the nodes that began as primaries, then one replica for each, in the same order, if
    /// there are replicas.
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one of `program` with its data in `folder`, which exists, and waits until it serves every slot. A
    /// node that is silent for `node_timeout` counts as failed.
    pub fn start(
        program: &Path,
        folder: &Path,
        primaries: usize,
        with_replicas: bool,
        node_timeout: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, ServerError> {
        let count = if with_replicas { 2 * primaries } else { primaries };
        let nodes = (0..count).map(|number| {
            start_node(program, &folder_in(folder, &number.to_string())?, node_timeout)
        });
        let mut cluster = Self { nodes: nodes.collect::<Result<_, _>>()? };
        for node in &mut cluster.nodes {
            node.server.wait_until_ready(interrupt)?;
        }
        cluster.meet(primaries)?;
        for number in primaries..count {
            let primary = cluster.nodes[number - primaries].id()?;
            cluster.nodes[number].order(&["CLUSTER", "REPLICATE", &primary])?;
        }
        wait_until("every node to see a whole cluster", || cluster.is_whole())?;
        wait_until("the replicas to have what the primaries have", || cluster.is_replicated())?;
        Ok(cluster)
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        let hosts = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.server.port()));
        format!("redis+cluster://{}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Which primary has a slot: its place in `nodes`, as one that began as a primary.
    pub fn first_owner(&self, slot: u16, primaries: usize) -> usize {
        usize::from(slot) * primaries / SLOTS
    }

    /// At most so many slots of a node that have keys.
    pub fn busy_slots(&self, node: usize, most: usize) -> Result<Vec<u16>, ServerError> {
        let node = &self.nodes[node];
        let mut slots = BTreeSet::new();
        for key in node.ask(&["KEYS", "*"])?.lines().filter(|key| !key.is_empty()).take(most) {
            slots.extend(node.ask(&["CLUSTER", "KEYSLOT", key])?.parse::<u16>());
        }
        Ok(slots.into_iter().collect())
    }

    /// Moves a slot with its keys.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) -> Result<(), ServerError> {
        self.begin_move(slot, from, to)?;
        self.move_keys(slot, from, to)?;
        self.end_move(slot, from, to)
    }

    /// Begins to move a slot from one node to another: a key that is no longer at the first is
    /// asked for at the second.
    pub fn begin_move(&self, slot: u16, from: usize, to: usize) -> Result<(), ServerError> {
        let (from, to, slot) = (&self.nodes[from], &self.nodes[to], slot.to_string());
        to.order(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.id()?])?;
        from.order(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.id()?])
    }

    /// Moves the keys of a slot that is being moved.
    pub fn move_keys(&self, slot: u16, from: usize, to: usize) -> Result<(), ServerError> {
        let (from, to, slot) = (&self.nodes[from], &self.nodes[to], slot.to_string());
        loop {
            let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"])?;
            let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
            if keys.is_empty() {
                return Ok(());
            }
            let port = to.server.port().to_string();
            let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            from.ask(&[&migrate[..], &keys[..]].concat())?;
        }
    }

    /// Ends a move: the slot belongs to the other node.
    pub fn end_move(&self, slot: u16, from: usize, to: usize) -> Result<(), ServerError> {
        let (owner, slot) = (self.nodes[to].id()?, slot.to_string());
        for node in [to, from] {
            self.nodes[node].order(&["CLUSTER", "SETSLOT", &slot, "NODE", &owner])?;
        }
        Ok(())
    }

    /// Lets a replica and its primary change places, and waits until they have.
    pub fn fail_over_to(&self, replica: usize) -> Result<(), ServerError> {
        self.nodes[replica].order(&["CLUSTER", "FAILOVER"])?;
        self.wait_for_primary(replica)
    }

    /// Waits until a node is a primary.
    pub fn wait_for_primary(&self, node: usize) -> Result<(), ServerError> {
        wait_until("the node to become a primary", || self.nodes[node].is_primary())
    }

    /// Shares out the slots and introduces the nodes to each other.
    fn meet(&self, primaries: usize) -> Result<(), ServerError> {
        for (number, node) in self.nodes.iter().enumerate() {
            if number < primaries {
                let first = (number * SLOTS).div_ceil(primaries).to_string();
                let last = (((number + 1) * SLOTS).div_ceil(primaries) - 1).to_string();
                node.order(&["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
            }
            node.order(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
        }
        for node in &self.nodes[1..] {
            let bus = node.bus_port()?;
            let port = node.server.port().to_string();
            self.nodes[0].order(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
        }
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        wait_until("the nodes to know each other", || self.all_say(&known))
    }

    fn is_whole(&self) -> Result<bool, ServerError> {
        self.all_say("cluster_state:ok")
    }

    fn all_say(&self, line: &str) -> Result<bool, ServerError> {
        for node in &self.nodes {
            let info = node.ask(&["CLUSTER", "INFO"])?;
            if !info.lines().any(|said| said.trim() == line) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_replicated(&self) -> Result<bool, ServerError> {
        for node in &self.nodes {
            let info = node.ask(&["INFO", "replication"])?;
            if info.contains("role:slave") && !info.contains("master_link_status:up") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn start_node(program: &Path, folder: &Path, node_timeout: Duration) -> Result<Redis, ServerError> {
    let [port, bus] = free_ports()?;
    let arguments = [
        ("--cluster-enabled", "yes".to_owned()),
        ("--cluster-port", bus.to_string()),
        ("--cluster-node-timeout", node_timeout.as_millis().to_string()),
        // What one shard has is not taken from users because another is away.
        ("--cluster-require-full-coverage", "no".to_owned()),
    ];
    let arguments = arguments.map(|(name, value)| [name.to_owned(), value]).concat();
    Redis::start_with(program, port, folder, Storage::Durable, &arguments)
}

impl Redis {
    /// Its name in a cluster.
    fn id(&self) -> Result<String, ServerError> {
        self.ask(&["CLUSTER", "MYID"])
    }

    /// Where other nodes find it.
    fn bus_port(&self) -> Result<String, ServerError> {
        let setting = self.ask(&["CONFIG", "GET", "cluster-port"])?;
        Ok(setting.lines().last().unwrap_or_default().to_owned())
    }

    /// Whether it takes writes.
    pub fn is_primary(&self) -> Result<bool, ServerError> {
        Ok(self.ask(&["INFO", "replication"])?.contains("role:master"))
    }
}
