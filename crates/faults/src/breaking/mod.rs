//! How each fault begins and ends, and what shows that it has an effect.

mod broker;
mod clock;
mod effect;
mod mail;
mod network;
mod processes;
mod servers;
mod webhook;

use test_servers::ServerError;

pub use effect::Effect;

use crate::schedule::{Fault, Part};
use crate::system::System;

impl System {
    /// Whether it can be broken like this. It says why not when it starts.
    pub fn can_have(&self, fault: Fault) -> bool {
        let has_own_disk = self.servers.as_ref().is_some_and(|servers| servers.has_own_disk);
        has_own_disk || !matches!(fault, Fault::DiskFull | Fault::DiskReadOnly)
    }

    /// Breaks something, and looks whether it is broken.
    pub async fn begin(&self, fault: Fault) -> Effect {
        match fault {
            Fault::Killed(part) => self.kill(part).await,
            Fault::Stopped(part) => self.stop(part).await,
            Fault::Network(part, network) => self.disturb(part, network).await,
            Fault::Restarted(part) => self.restart(part).await,
            Fault::RollingRestart => self.restart_processes().await,
            Fault::Clock(part, seconds) => self.set_clock(part, seconds).await,
            Fault::Mail(fault) => self.misbehave(fault).await,
            Fault::Webhook(fault) => self.misbehave_as_receiver(fault).await,
            Fault::DiskFull => self.fill_disk().await,
            Fault::DiskReadOnly => self.make_disk_read_only().await,
            Fault::TransactionsReadOnly => self.make_transactions_read_only().await,
            Fault::RedisEmptied => self.empty_redis().await,
            Fault::RedisFull => self.fill_redis().await,
            Fault::RedisReplica => self.make_replica().await,
            Fault::MemoryAlarm => self.raise_memory_alarm().await,
            Fault::PermissionMissing => self.take_permission().await,
            Fault::QueueUnbound => self.unbind_queue().await,
        }
    }

    /// Ends what `begin` began. Everything is well only after [`System::recover`].
    pub async fn end(&self, fault: Fault) {
        match fault {
            Fault::Killed(part) => self.start_again(part),
            Fault::Stopped(part) => self.go_on(part).await,
            Fault::Network(part, _) => self.undisturb(part).await,
            Fault::Clock(part, _) => self.correct_clock(part),
            Fault::Mail(_) => self.sink.behave(None),
            Fault::Webhook(_) => self.receiver.behave(None),
            Fault::DiskFull => self.free_disk().await,
            Fault::DiskReadOnly => self.repair_disk().await,
            Fault::TransactionsReadOnly => self.allow_writing_transactions().await,
            Fault::RedisFull => self.give_memory_back().await,
            Fault::RedisReplica => self.make_primary().await,
            Fault::MemoryAlarm => self.end_memory_alarm().await,
            Fault::PermissionMissing => self.give_permission().await,
            // They were over when they had begun, and the product has to mend an unbound queue.
            Fault::Restarted(_)
            | Fault::RollingRestart
            | Fault::RedisEmptied
            | Fault::QueueUnbound => {}
        }
    }

    /// Starts the servers again that are down, and waits until everything is ready.
    pub async fn recover(&self) -> Result<(), ServerError> {
        if let Some(servers) = &self.servers {
            for part in [Part::Postgres, Part::Redis, Part::Rabbitmq] {
                servers.bring_back(part).await?;
            }
        }
        self.wait_until_ready().await;
        Ok(())
    }
}
