//! Whether the server lets this user in, and what to do if it does not.

use domain::Finding;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::super::connector::{Connector, reason};
use super::super::options::PostgresOptions;

pub(super) const CONNECTION: &str = "postgres.connection";

pub(super) async fn connect(
    connector: &Connector,
    options: &PostgresOptions,
) -> Result<Client, Finding> {
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
