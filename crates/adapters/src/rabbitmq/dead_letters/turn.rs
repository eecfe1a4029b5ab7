//! Commands on the same queue take turns: one that browses keeps every message to itself, and
//! another one beside it would report an empty queue.

use std::time::Duration;

use lapin::ErrorKind;
use lapin::options::QueueDeclareOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::super::connection::{Broker, BrokerError, OpenConnection};

/// How long a command waits for the one before it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait between two looks whether it has ended.
const POLL: Duration = Duration::from_millis(100);

/// Waits for the turn, which lasts as long as the connection: the broker lets a queue that is
/// exclusive to one be declared on no other, and deletes it with the connection.
pub(super) async fn take_turn(
    broker: &Broker,
    connection: &OpenConnection,
) -> Result<(), BrokerError> {
    let waiting = async {
        loop {
            match declare(broker, connection).await {
                Err(BrokerError::Amqp(error)) if is_locked(&error) => {
                    tokio::time::sleep(POLL).await;
                }
                outcome => return outcome,
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Err(BrokerError::Occupied))
}

async fn declare(broker: &Broker, connection: &OpenConnection) -> Result<(), BrokerError> {
    // A refusal costs the channel.
    let channel = broker.with_answer_timeout(connection.create_channel()).await?;
    let name: ShortString = format!("{}.turn", broker.topology.dead_queue).into();
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let mut arguments = FieldTable::default();
    // Whatever the virtual host's default is.
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    broker.with_answer_timeout(channel.queue_declare(name, options, arguments)).await?;
    Ok(())
}

fn is_locked(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else { return false };
    *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED)
}
