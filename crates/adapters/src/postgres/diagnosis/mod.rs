//! What an operator should know about the database: each problem with its remedy.
//!
//! Speaks the simple protocol and changes nothing in a session, since that may be one that a pooler
//! shares out. The only write is that of the probe, which takes it back.

mod access;
mod question;
mod schema;
mod server;
mod sessions;

use domain::{ErrorChain, Finding};
use tokio_postgres::config::Host;

use super::connector::Connector;
use super::database::Database;
use super::options::PostgresOptions;
use super::probe::probe;
use crate::diagnosis::judge_encryption;
use access::{CONNECTION, connect};

const WRITES: &str = "postgres.writes";

/// Looks at the connection, the server, the schema and what this user may do there.
pub async fn diagnose(options: PostgresOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(last) = examine(&options, &mut findings).await {
        findings.push(last);
    }
    findings
}

/// Ends with the finding after which nothing more can be asked.
async fn examine(options: &PostgresOptions, findings: &mut Vec<Finding>) -> Result<(), Finding> {
    let connector = options.check().and_then(|()| Connector::new(options)).map_err(|error| {
        Finding::error(CONNECTION, ErrorChain(&error).to_string(), "correct the section [postgres]")
    })?;
    let client = connect(&connector, options).await?;
    findings.push(Finding::ok(CONNECTION, format!("connected to {}", connector.target())));
    findings.push(judge_tls(&connector));
    let is_pooled = sessions::is_pooled(&client, &connector, options).await?;
    findings.push(sessions::judge(is_pooled, options));
    findings.extend(server::judge(&client, &connector, options, is_pooled).await?);
    findings.push(schema::judge_version(&client, options).await?);
    findings.push(schema::judge_privileges(&client, options).await?);
    findings.push(judge_writes(options, is_pooled).await);
    Ok(())
}

fn judge_tls(connector: &Connector) -> Finding {
    let remote = connector.hosts().iter().find_map(|host| match host {
        Host::Tcp(name) => Some(name.as_str()),
        Host::Unix(_) => None,
    });
    let advice = "add ?sslmode=verify-full to postgres.url";
    let host = remote.unwrap_or("/");
    judge_encryption("postgres.tls", host, connector.is_encrypted(), advice)
}

/// Commits what a registration needs and takes it back. Behind a pooler that nobody told of, in the
/// way that leaves nothing in a session.
async fn judge_writes(options: &PostgresOptions, is_pooled: bool) -> Finding {
    let transaction_pooling = options.transaction_pooling || is_pooled;
    let options = PostgresOptions { transaction_pooling, pool_size: 1, ..options.clone() };
    let advice = "see the server's log: a registration would fail in the same way";
    match Database::new(&options) {
        Ok(database) => match probe(&database).await {
            Ok(()) => Finding::ok(WRITES, "a registration can be written"),
            Err(failure) => Finding::error(WRITES, ErrorChain(&failure).to_string(), advice),
        },
        Err(error) => Finding::error(WRITES, ErrorChain(&error).to_string(), advice),
    }
}
