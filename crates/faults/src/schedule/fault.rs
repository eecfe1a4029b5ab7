//! Everything that can be broken, and how.

use std::fmt;

use acceptance::Deployment;

use super::misbehaviour::{MailFault, WebhookFault};

/// A process of the system, or a server that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// One of the two APIs.
    Api(usize),
    /// One of the two workers.
    Worker(usize),
    /// The one process of a standalone system.
    Standalone,
    /// The database.
    Postgres,
    /// The code store.
    Redis,
    /// The broker.
    Rabbitmq,
    /// The mail server.
    Smtp,
    /// The receiver of the webhook.
    Receiver,
}

/// What happens to the connections to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// They break, and new ones are refused.
    Cut,
    /// Everything passes late.
    Delayed,
    /// Nothing passes, and nobody is told.
    BlackHole,
    /// Bytes pass one by one.
    Trickle,
}

/// One way to break one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `kill -9`; it starts again when the fault ends.
    Killed(Part),
    /// SIGSTOP; it goes on when the fault ends.
    Stopped(Part),
    /// Something is wrong with the connections to it.
    Network(Part, Network),
    /// The file system of PostgreSQL has no space left.
    DiskFull,
    /// The file system of PostgreSQL is mounted read-only.
    DiskReadOnly,
    /// PostgreSQL begins every transaction as a read-only one.
    TransactionsReadOnly,
    /// All keys of Redis are gone.
    RedisEmptied,
    /// Redis is at `maxmemory` and evicts nothing.
    RedisFull,
    /// Redis is a replica of a server that is not there.
    RedisReplica,
    /// RabbitMQ is short of memory and takes no messages.
    MemoryAlarm,
    /// RabbitMQ lets nobody write any more.
    PermissionMissing,
    /// The queue for mails is not bound to its exchange any more.
    QueueUnbound,
    /// The mail server misbehaves.
    Mail(MailFault),
    /// The receiver of the webhook misbehaves.
    Webhook(WebhookFault),
    /// The wall clock of a process is wrong by so many seconds.
    Clock(Part, i64),
    /// Every process of the product is asked to end and started again, one after the other.
    RollingRestart,
    /// One part is asked to end and started again.
    Restarted(Part),
}

use Part::{Api, Postgres, Rabbitmq, Receiver, Redis, Smtp, Standalone, Worker};

impl Fault {
    /// All that can happen to a system that is deployed like this.
    pub fn all(deployment: Deployment) -> Vec<Self> {
        let mut faults = match deployment {
            Deployment::Distributed => distributed(),
            Deployment::Standalone => standalone(),
        };
        faults.extend([Smtp, Receiver].into_iter().flat_map(connections_to));
        faults.extend(MailFault::all().map(Self::Mail));
        faults.extend(WebhookFault::all().map(Self::Webhook));
        faults
    }

    /// What it happens to. Two faults at once concern different parts.
    pub fn part(self) -> Option<Part> {
        match self {
            Self::Killed(part)
            | Self::Stopped(part)
            | Self::Restarted(part)
            | Self::Network(part, _)
            | Self::Clock(part, _) => Some(part),
            Self::DiskFull | Self::DiskReadOnly | Self::TransactionsReadOnly => Some(Postgres),
            Self::RedisEmptied | Self::RedisFull | Self::RedisReplica => Some(Redis),
            Self::MemoryAlarm | Self::PermissionMissing | Self::QueueUnbound => Some(Rabbitmq),
            Self::Mail(_) => Some(Smtp),
            Self::Webhook(_) => Some(Receiver),
            Self::RollingRestart => None,
        }
    }

    /// The kind of fault, whatever part it is about: a short run has as many kinds as fit.
    pub fn class(self) -> String {
        match self {
            Self::Killed(_) => "killed".into(),
            Self::Stopped(_) => "stopped".into(),
            Self::Network(_, network) => format!("{network:?}"),
            Self::Clock(..) => "clock".into(),
            Self::Restarted(_) => "restarted".into(),
            other => other.to_string(),
        }
    }
}

fn standalone() -> Vec<Fault> {
    let mut faults = connections_to(Standalone).to_vec();
    faults.extend([
        Fault::Killed(Standalone),
        Fault::Stopped(Standalone),
        Fault::Restarted(Standalone),
        Fault::Clock(Standalone, 3600),
        Fault::Clock(Standalone, -3600),
    ]);
    faults
}

fn distributed() -> Vec<Fault> {
    let processes = [Api(0), Api(1), Worker(0), Worker(1)];
    let servers = [Postgres, Redis, Rabbitmq];
    let parts = || processes.into_iter().chain(servers);
    let mut faults: Vec<_> = parts().map(Fault::Killed).collect();
    faults.extend(parts().map(Fault::Stopped));
    let listening = servers.into_iter().chain([Api(0), Api(1)]);
    faults.extend(listening.flat_map(connections_to));
    faults.extend(servers.map(Fault::Restarted));
    faults.extend(
        processes.into_iter().flat_map(|part| [3600, -3600].map(|by| Fault::Clock(part, by))),
    );
    faults.extend([
        Fault::DiskFull,
        Fault::DiskReadOnly,
        Fault::TransactionsReadOnly,
        Fault::RedisEmptied,
        Fault::RedisFull,
        Fault::RedisReplica,
        Fault::MemoryAlarm,
        Fault::PermissionMissing,
        Fault::QueueUnbound,
        Fault::RollingRestart,
    ]);
    faults
}

fn connections_to(part: Part) -> [Fault; 4] {
    [Network::Cut, Network::Delayed, Network::BlackHole, Network::Trickle]
        .map(|network| Fault::Network(part, network))
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Api(index) => write!(f, "API {}", index + 1),
            Worker(index) => write!(f, "worker {}", index + 1),
            Standalone => f.write_str("standalone"),
            Postgres => f.write_str("PostgreSQL"),
            Redis => f.write_str("Redis"),
            Rabbitmq => f.write_str("RabbitMQ"),
            Smtp => f.write_str("SMTP server"),
            Receiver => f.write_str("webhook receiver"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(part) => write!(f, "{part}: killed"),
            Self::Stopped(part) => write!(f, "{part}: stopped"),
            Self::Network(part, Network::Cut) => write!(f, "{part}: connections cut"),
            Self::Network(part, Network::Delayed) => write!(f, "{part}: connections delayed"),
            Self::Network(part, Network::BlackHole) => write!(f, "{part}: black hole"),
            Self::Network(part, Network::Trickle) => write!(f, "{part}: a trickle"),
            Self::DiskFull => f.write_str("PostgreSQL: disk full"),
            Self::DiskReadOnly => f.write_str("PostgreSQL: disk read-only"),
            Self::TransactionsReadOnly => f.write_str("PostgreSQL: transactions read-only"),
            Self::RedisEmptied => f.write_str("Redis: emptied"),
            Self::RedisFull => f.write_str("Redis: at maxmemory"),
            Self::RedisReplica => f.write_str("Redis: a replica"),
            Self::MemoryAlarm => f.write_str("RabbitMQ: memory alarm"),
            Self::PermissionMissing => f.write_str("RabbitMQ: permission missing"),
            Self::QueueUnbound => f.write_str("RabbitMQ: queue unbound"),
            Self::Mail(fault) => write!(f, "{Smtp}: {fault}"),
            Self::Webhook(fault) => write!(f, "{Receiver}: {fault}"),
            Self::Clock(part, seconds) => write!(f, "{part}: clock {seconds:+} s"),
            Self::RollingRestart => f.write_str("rolling restart of all processes"),
            Self::Restarted(part) => write!(f, "{part}: restarted"),
        }
    }
}
