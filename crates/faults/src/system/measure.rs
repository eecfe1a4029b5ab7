//! What processes and servers use, and what is left in the queues.

use std::collections::BTreeMap;
use std::time::Duration;

use acceptance::stores::count_rows;
use test_servers::Usage as Used;
use tokio::time::{Instant, sleep};

use super::System;
use super::leftovers::{OUTBOXES, in_the_end};
use super::servers::{EXCHANGE, Servers};
use crate::evidence::{Leftover, Quantity, Usage};
use crate::schedule::Part;

/// How often the queues are looked at, which costs RabbitMQ a second.
const LOOK: Duration = Duration::from_millis(500);

/// How long it takes until what lost its connections has new ones.
const RECONNECTING: Duration = Duration::from_secs(3);

/// What everything uses at one moment.
pub type Measured = BTreeMap<(String, &'static str), (Quantity, u64)>;

impl System {
    /// What each process uses, and how many connections each server has.
    pub async fn measure(&self) -> Measured {
        let mut measured = Measured::new();
        let mut add = |of: String, quantity: Quantity, amount: u64| {
            measured.insert((of, quantity.name()), (quantity, amount));
        };
        for process in &self.processes {
            let used = process.service.id().map(Used::of).unwrap_or_default();
            let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
            add(process.part.to_string(), Quantity::Memory, used.memory / 1024);
            add(process.part.to_string(), Quantity::Descriptors, count(used.descriptors));
            add(process.part.to_string(), Quantity::Threads, count(used.threads));
        }
        if let Some(servers) = &self.servers {
            let postgres = servers.postgres.with(|server| server.connections()).await.unwrap();
            let redis = servers.redis.with(|server| server.connections()).await.unwrap();
            let rabbitmq = servers.rabbitmq.with(|server| server.connections()).await.unwrap();
            add(Part::Postgres.to_string(), Quantity::Connections, postgres);
            add(Part::Redis.to_string(), Quantity::Connections, redis);
            let rabbitmq = u64::try_from(rabbitmq).unwrap_or(u64::MAX);
            add(Part::Rabbitmq.to_string(), Quantity::Connections, rabbitmq);
        }
        measured
    }

    /// What is used beside what was used before, once it has returned to that, or after a while.
    pub async fn usages_in_the_end(&self, before: &Measured, patience: Duration) -> Vec<Usage> {
        let deadline = Instant::now() + patience;
        loop {
            let usages = compare(before, &self.measure().await);
            if usages.iter().all(Usage::has_returned) || Instant::now() > deadline {
                return usages;
            }
            sleep(LOOK).await;
        }
    }

    /// What is in the outboxes and in the queues once they are empty, or after a while.
    pub async fn leftovers_in_the_end(&self, patience: Duration) -> Vec<Leftover> {
        in_the_end(patience, LOOK, async || self.leftovers().await).await
    }

    /// Breaks what a black hole has left: connections through it are open as long as its proxy.
    pub async fn drop_stalled_connections(&self) {
        let servers = self.servers.iter().flat_map(Servers::proxies);
        for proxy in servers.chain([&self.smtp, &self.webhook]).chain(&self.gates) {
            proxy.cut().await;
            proxy.restore().await;
        }
        // Those who lost a connection that was idle make another when they need it.
        sleep(RECONNECTING).await;
        self.wait_until_ready().await;
    }

    /// From the servers themselves.
    async fn leftovers(&self) -> Vec<Leftover> {
        let Some(servers) = &self.servers else {
            let leftover = |place: &str| Leftover {
                place: place.to_owned(),
                count: count_rows(self.data(), place),
            };
            return OUTBOXES.map(leftover).into();
        };
        let mut leftovers = Vec::new();
        for place in OUTBOXES {
            let query = format!("SELECT count(*) FROM {place}");
            let rows = servers.postgres.with(move |server| server.sql(&[&query])).await.unwrap();
            let count = rows.parse().expect("a number of rows");
            leftovers.push(Leftover { place: place.to_owned(), count });
        }
        let queues = servers.rabbitmq.with(|server| server.queues()).await.unwrap();
        let own = queues.into_iter().filter(|queue| queue.name.starts_with(EXCHANGE));
        leftovers.extend(own.map(|queue| Leftover { place: queue.name, count: queue.messages }));
        leftovers
    }
}

/// Two measurements side by side.
fn compare(before: &Measured, after: &Measured) -> Vec<Usage> {
    let usage = |((of, name), (quantity, amount)): (&(String, &'static str), &(Quantity, u64))| {
        let after = after.get(&(of.clone(), *name)).map_or(0, |(_, amount)| *amount);
        Usage { of: of.clone(), quantity: *quantity, before: *amount, after }
    };
    before.iter().map(usage).collect()
}
