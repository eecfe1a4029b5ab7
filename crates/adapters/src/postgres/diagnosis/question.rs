//! Questions in the simple protocol, which names no statements and so passes through every pooler.

use domain::Finding;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::super::connector::reason;
use super::super::options::PostgresOptions;

const QUERIES: &str = "postgres.queries";

/// All rows of the answer.
pub(super) async fn rows(
    client: &Client,
    options: &PostgresOptions,
    question: &str,
) -> Result<Vec<SimpleQueryRow>, Finding> {
    let limit = options.statement_timeout;
    match tokio::time::timeout(limit, client.simple_query(question)).await {
        Ok(Ok(messages)) => Ok(messages.into_iter().filter_map(row_of).collect()),
        Ok(Err(error)) => Err(Finding::error(QUERIES, reason(&error), remedy(&error))),
        Err(_) => {
            let message = format!("a query without any work was not answered within {limit:?}");
            Err(Finding::error(QUERIES, message, "look at the load of the server and at its log"))
        }
    }
}

/// The columns of the one row of the answer.
pub(super) async fn columns<const N: usize>(
    client: &Client,
    options: &PostgresOptions,
    question: &str,
) -> Result<[String; N], Finding> {
    let rows = rows(client, options, question).await?;
    let text = |index| rows.first().and_then(|row| row.get(index)).unwrap_or_default().to_owned();
    Ok(std::array::from_fn(text))
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => "grant it to the user of postgres.url",
        _ => "look at the server's log",
    }
}

fn row_of(message: SimpleQueryMessage) -> Option<SimpleQueryRow> {
    match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }
}
