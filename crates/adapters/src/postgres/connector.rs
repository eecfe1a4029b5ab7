//! Opens connections, encrypted when the URL asks for it.
//!
//! Never falls back to an unverified or unencrypted connection.

use std::time::Duration;

use diesel::connection::CacheSize;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::ErrorChain;
use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::options::{PostgresOptions, PostgresOptionsError};

/// Opens connections with the timeouts set.
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    connect_timeout: Duration,
    transaction_pooling: bool,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, PostgresOptionsError> {
        let url = with_known_ssl_mode(options.url.expose_secret());
        let mut config: Config = url.parse().map_err(PostgresOptionsError::Url)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(load_tls()?),
            _ => None,
        };
        if config.get_connect_timeout().is_none() {
            // The driver tries the hosts one after the other, so each gets its share of the time.
            let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
            config.connect_timeout(
                options.connect_timeout / u32::try_from(hosts).unwrap_or(u32::MAX),
            );
        }
        // Of several hosts the primary is sought, and a standby or a database that was made
        // read-only is no place for a service that only writes.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("registration");
        }
        let PostgresOptions { connect_timeout, transaction_pooling, .. } = *options;
        Ok(Self { config, tls, connect_timeout, transaction_pooling })
    }

    /// A new connection on which the server cancels statements and idle transactions after
    /// `statement_timeout`. Zero means never, which migrations need. Behind a transaction pooler
    /// the session belongs to nobody: there each transaction has to set its own timeouts.
    pub(super) async fn connect(
        &self,
        statement_timeout: Duration,
    ) -> ConnectionResult<AsyncPgConnection> {
        let connecting = async {
            let mut connection = match self.tls.clone() {
                Some(tls) => self.open(tls).await?,
                None => self.open(NoTls).await?,
            };
            let setup = if self.transaction_pooling {
                connection.set_prepared_statement_cache_size(CacheSize::Disabled);
                "ROLLBACK".to_owned()
            } else {
                timeouts("SET", statement_timeout)
            };
            connection
                .batch_execute(&setup)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        };
        // On the heap: with TLS and the host names it is large.
        tokio::time::timeout(self.connect_timeout, Box::pin(connecting)).await.unwrap_or_else(
            |_| Err(ConnectionError::BadConnection("the server does not answer".into())),
        )
    }

    /// A client without Diesel, for a look at the server. It changes nothing in its session, which
    /// may be a pooler's.
    pub(super) async fn open_client(&self) -> Result<Client, tokio_postgres::Error> {
        match self.tls.clone() {
            Some(tls) => self.config.connect(tls).await.map(drive),
            None => self.config.connect(NoTls).await.map(drive),
        }
    }

    /// The hosts and the database, without user and password.
    pub(super) fn target(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let ports = self.config.get_ports();
        let with_port = |(index, host): (usize, String)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            format!("{host}:{port}")
        };
        let hosts: Vec<_> = hosts.enumerate().map(with_port).collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("{}/{database}", hosts.join(","))
    }

    /// The hosts alone.
    pub(super) fn hosts(&self) -> &[Host] {
        self.config.get_hosts()
    }

    /// Whether TLS is asked for, and a connection without it is never made.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    async fn open<T>(&self, tls: T) -> ConnectionResult<AsyncPgConnection>
    where
        T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
    {
        let (client, mut connection) =
            self.config.connect(tls).await.map_err(|error| bad_connection(&error))?;
        if self.transaction_pooling {
            // What Diesel sets on a new connection is rolled back afterwards: it changes a session,
            // and its statements have names.
            let begun = tokio::select! {
                begun = client.batch_execute("BEGIN") => begun,
                ended = &mut connection => ended,
            };
            begun.map_err(|error| bad_connection(&error))?;
        }
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// Statements that make the server cancel what takes longer. `set` is `SET` or `SET LOCAL`.
pub(super) fn timeouts(set: &str, limit: Duration) -> String {
    let millis = limit.as_millis();
    format!(
        "{set} statement_timeout = {millis}; {set} idle_in_transaction_session_timeout = {millis}"
    )
}

/// The driver verifies certificates whenever it encrypts, but of libpq's modes it knows only
/// `require`.
fn with_known_ssl_mode(url: &str) -> String {
    let Some((address, query)) = url.split_once('?') else { return url.to_owned() };
    let parameters: Vec<&str> = query
        .split('&')
        .map(|parameter| match parameter {
            "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require",
            other => other,
        })
        .collect();
    format!("{address}?{}", parameters.join("&"))
}

/// TLS that trusts the authorities of the operating system, or those in `SSL_CERT_FILE`.
fn load_tls() -> Result<MakeRustlsConnect, PostgresOptionsError> {
    MakeRustlsConnect::with_native_certs().map(|(tls, _)| tls).map_err(|errors| {
        let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
        PostgresOptionsError::Certificates(format!(
            "the operating system has none: {}",
            reasons.join("; ")
        ))
    })
}

/// Lets the connection work in the background, until its client is dropped.
fn drive<S, T>((client, connection): (Client, Connection<S, T>)) -> Client
where
    Connection<S, T>: Future + Send + 'static,
    <Connection<S, T> as Future>::Output: Send,
{
    tokio::spawn(connection);
    client
}

fn bad_connection(error: &tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(reason(error))
}

/// The driver's own message omits the cause, such as a refused connection or a bad certificate.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    ErrorChain(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_of_libpq_are_understood() {
        let url = "postgres://u:sslmode=verify-ca@h/d?sslmode=verify-full&connect_timeout=3";
        assert_eq!(
            with_known_ssl_mode(url),
            "postgres://u:sslmode=verify-ca@h/d?sslmode=require&connect_timeout=3"
        );
        assert_eq!(with_known_ssl_mode("postgres://h/d"), "postgres://h/d");
    }
}
