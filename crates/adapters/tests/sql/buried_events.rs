//! The contract of `DeadLetters`, over the buried rows of the outbox.

use std::time::SystemTime;

use async_trait::async_trait;
use domain::ports::DeadLetters;
use domain::{Event, EventId};
use test_support::unique_id;

use crate::dead_letters::contract::dead_letter_contract;
use crate::dead_letters::{Entry, Shelf};
use crate::fixtures::{LONG_PERIOD, Location, Store, user};

mod on_postgres {
    super::dead_letter_contract!(crate::postgres::store());
}

mod behind_pgbouncer {
    super::dead_letter_contract!(crate::pgbouncer::store());
}

mod on_sqlite {
    super::dead_letter_contract!(crate::sqlite::store());
}

#[async_trait(?Send)]
impl Shelf for Store {
    fn letters(&self) -> &dyn DeadLetters {
        &*self.dead_letters
    }

    async fn put(&self, entries: &[Entry]) {
        let user = user(&format!("{}@example.com", unique_id().simple()));
        let events: Vec<Event> = entries.iter().map(|entry| entry.event.clone()).collect();
        self.users.claim(&user, &events).await.unwrap();
        let bury = entries.iter().map(|entry| self.location.bury(entry));
        self.location.execute(&bury.collect::<String>()).await;
    }

    async fn delivered(&self) -> Vec<EventId> {
        let mut delivered = Vec::new();
        loop {
            let due = self.outbox.claim(1000, LONG_PERIOD).await.unwrap();
            if due.is_empty() {
                return delivered;
            }
            delivered.extend(due.iter().map(|entry| entry.event.id));
        }
    }
}

impl Location {
    /// What buries an event at a certain time, after four attempts.
    fn bury(&self, entry: &Entry) -> String {
        let millis = entry.failed_at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let failed_at = match self {
            Self::Postgres(_) => format!("to_timestamp({millis} / 1000.0)"),
            Self::Sqlite(_) => millis.to_string(),
        };
        let (id, reason) = (entry.event.id.as_uuid(), entry.reason.replace('\'', "''"));
        format!(
            "UPDATE outbox SET attempts = 4, failed_at = {failed_at}, failure = '{reason}'
             WHERE id = '{id}';"
        )
    }
}
