//! Whether the URL leads to a pooler that gives each transaction another session, and whether the
//! settings know.

use domain::Finding;
use tokio_postgres::Client;

use super::super::connector::Connector;
use super::super::options::PostgresOptions;
use super::access::connect;
use super::question::columns;

const POOLER: &str = "postgres.pooler";

/// Whether two clients, one of them in a transaction, were given the same session. A pooler that
/// has sessions to spare shows itself by a session that changes.
pub(super) async fn is_pooled(
    client: &Client,
    connector: &Connector,
    options: &PostgresOptions,
) -> Result<bool, Finding> {
    let first = session(client, options, "").await?;
    let other = connect(connector, options).await?;
    // Ended by dropping the client, too.
    let others = session(&other, options, "BEGIN;").await?;
    if others == first {
        return Ok(true);
    }
    Ok(session(client, options, "").await? != first)
}

async fn session(
    client: &Client,
    options: &PostgresOptions,
    before: &str,
) -> Result<String, Finding> {
    let [pid] = columns(client, options, &format!("{before} SELECT pg_backend_pid()")).await?;
    Ok(pid)
}

pub(super) fn judge(is_pooled: bool, options: &PostgresOptions) -> Finding {
    match (is_pooled, options.transaction_pooling) {
        (true, false) => Finding::error(
            POOLER,
            "postgres.url leads to a pooler that gives each transaction another session",
            "set postgres.transaction_pooling to true, or let the pooler keep sessions",
        ),
        (true, true) => Finding::ok(POOLER, "a transaction pooler, as the settings say"),
        (false, true) => {
            Finding::ok(POOLER, "no transaction pooler was noticed; the settings allow for one")
        }
        (false, false) => Finding::ok(POOLER, "each connection has a session of its own"),
    }
}
