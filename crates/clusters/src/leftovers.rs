//! What is left in the outboxes and in the queues, asked by way of the services' own URLs.

use std::time::Duration;

use faults::evidence::Leftover;
use faults::system::leftovers::{self, OUTBOXES};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use crate::sql::query_number;
use crate::stage::Addresses;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(200);

/// Of the work queue, the dead letters, and the retry queues of the settings.
const QUEUES: [&str; 5] =
    ["email", "email.dead", "email.retry.1000", "email.retry.2000", "email.retry.4000"];

/// What is left once nothing is, or after a while.
pub(crate) async fn in_the_end(addresses: &Addresses, patience: Duration) -> Vec<Leftover> {
    leftovers::in_the_end(patience, LOOK, async || count(addresses).await).await
}

async fn count(addresses: &Addresses) -> Vec<Leftover> {
    let mut leftovers = Vec::new();
    for place in OUTBOXES {
        let query = format!("SELECT count(*) FROM {place}");
        let count = query_number(&addresses.postgres, &query).await;
        leftovers.push(Leftover { place: place.to_owned(), count });
    }
    let url = addresses.rabbitmq.first().expect("a node");
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for queue in QUEUES {
        let name = format!("{}.{queue}", addresses.name);
        let passive = QueueDeclareOptions::durable().passive();
        let declared = channel.queue_declare(name.as_str().into(), passive, FieldTable::default());
        let count = declared.await.unwrap().message_count().into();
        leftovers.push(Leftover { place: name, count });
    }
    connection.close(200, "OK".into()).await.unwrap();
    leftovers
}
