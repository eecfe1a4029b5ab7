//! What an operator should know about the database: each problem with its remedy.
//!
//! Speaks the simple protocol and changes nothing in a session, since that may be one that a pooler
//! shares out. The only write is that of the probe, which takes it back.

mod question;
mod schema;
mod server;
mod sessions;

use domain::{ErrorChain, Finding};
use tokio_postgres::Client;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

use super::connector::{Connector, reason};
use super::database::Database;
use super::options::PostgresOptions;
use super::probe::probe;
use crate::diagnosis::judge_encryption;

const CONNECTION: &str = "postgres.connection";
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
    findings.extend(server::judge(&client, options, is_pooled).await?);
    findings.push(schema::judge_version(&client, options).await?);
    findings.push(schema::judge_privileges(&client, options).await?);
    findings.push(judge_writes(options, is_pooled).await);
    Ok(())
}

async fn connect(connector: &Connector, options: &PostgresOptions) -> Result<Client, Finding> {
    let limit = options.connect_timeout;
    match tokio::time::timeout(limit, connector.open_client()).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(refusal(connector, &error)),
        Err(_) => Err(Finding::error(
            CONNECTION,
            format!("{} does not answer within {limit:?}", connector.target()),
            "check host and port in postgres.url and the firewalls in between, or raise \
             postgres.connect_timeout",
        )),
    }
}

fn refusal(connector: &Connector, error: &tokio_postgres::Error) -> Finding {
    let message = format!("no connection to {}: {}", connector.target(), reason(error));
    Finding::error(CONNECTION, message, remedy(error))
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "check user and password in postgres.url, and the server's pg_hba.conf"
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            "create the database, or correct its name in postgres.url"
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            "raise the server's max_connections, or lower postgres.pool_size of all processes"
        }
        Some(&SqlState::CANNOT_CONNECT_NOW) => "wait until the server has started",
        Some(_) => "see the server's log",
        None if is_read_only(error) => {
            "the server is a standby or was made read-only: let postgres.url name the primary, or \
             all hosts, separated by commas"
        }
        None if error.to_string().contains("TLS") => {
            "let the server offer TLS with a certificate for the host in postgres.url, and set \
             SSL_CERT_FILE if your own authority signed it"
        }
        None => "start the server, or correct host and port in postgres.url",
    }
}

/// The driver's word for a server that takes no writes.
fn is_read_only(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.to_string() == "database does not allow writes")
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
