//! Statements on the database of the services, on the server that takes writes.

use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

/// The answer to a query whose answer is a number.
pub(crate) async fn query_number(url: &str, query: &str) -> u64 {
    let messages = execute(url, query).await;
    let number = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    number.unwrap_or_else(|| panic!("no number for an answer to {query}"))
}

/// Runs statements in a session of their own.
pub(crate) async fn execute(url: &str, statements: &str) -> Vec<SimpleQueryMessage> {
    let mut config: Config = url.parse().unwrap();
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statements).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    messages
}
