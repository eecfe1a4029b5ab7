//! Connections to the broker, and channels on which the topology is declared.
//!
//! Every wait is bounded, and giving up leaks nothing.

use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, TLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, Event};

use super::nodes;
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::reconnect_delays::ReconnectDelays;
use super::topology::Topology;

/// Where the broker is, and what must exist there.
pub(super) struct Broker {
    /// At least one.
    nodes: Vec<AMQPUri>,
    pub(super) options: RabbitmqOptions,
    pub(super) topology: Topology,
}

/// Why the broker cannot be used for now.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokerError {
    #[error("the connection was not ready in {0:?}")]
    ConnectTimeout(Duration),
    #[error("the broker did not answer in {0:?}")]
    AnswerTimeout(Duration),
    #[error("the broker refused the message")]
    Refused,
    #[error("no queue takes the message")]
    Unroutable,
    #[error("the consumer was cancelled by the broker")]
    Cancelled,
    #[error("the broker has suspended publishing: it is short of memory or disk")]
    Blocked,
    #[error("not connected: {0}")]
    NotConnected(String),
    #[error("another dead-letters command is working on the queue; try again when it has ended")]
    Occupied,
    #[error("the handling of a message panicked")]
    Panicked,
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
}

impl Broker {
    pub(super) fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        let nodes = options.validate()?;
        let topology = Topology::new(&options.exchange, &options.retry_delays);
        Ok(Self { nodes, options: options.clone(), topology })
    }

    /// The nodes, at least one.
    pub(super) fn nodes(&self) -> &[AMQPUri] {
        &self.nodes
    }

    /// How long to wait before each attempt to reconnect.
    pub(super) fn reconnect_delays(&self) -> ReconnectDelays {
        self.retry_delays(self.options.reconnect_max)
    }

    /// The same, but never longer than `longest`.
    pub(super) fn retry_delays(&self, longest: Duration) -> ReconnectDelays {
        let longest = longest.min(self.options.reconnect_max);
        ReconnectDelays::new(self.options.reconnect_min, longest)
    }

    /// Connects to a node that answers, and authenticates. Asks one after the other, from any of
    /// them on, so that the clients of a cluster spread over its nodes.
    pub(super) async fn connect(&self) -> Result<OpenConnection, BrokerError> {
        let first = random_index(self.nodes.len());
        let (earlier, later) = self.nodes.split_at(first);
        let mut last_error = BrokerError::NotConnected("there are no nodes".into());
        for node in later.iter().chain(earlier) {
            match self.connect_to(node).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    let node = nodes::address(node);
                    tracing::debug!(event = "rabbitmq.node_unreachable", node, %error, "a node cannot be used");
                    last_error = error;
                }
            }
        }
        Err(last_error)
    }

    /// Connects to this node, and authenticates.
    pub(super) async fn connect_to(&self, node: &AMQPUri) -> Result<OpenConnection, BrokerError> {
        let socket = OpenSocket::default();
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let timeout = self.options.connect_timeout / count;
        let opened = tokio::time::timeout(timeout, self.open(node, socket.clone()));
        let Ok(connection) = opened.await else {
            socket.shut_down();
            return Err(BrokerError::ConnectTimeout(timeout));
        };
        Ok(OpenConnection { connection: connection?, socket })
    }

    /// Opens a channel and declares everything that its user may need.
    pub(super) async fn open_channel(
        &self,
        connection: &Connection,
    ) -> Result<Channel, BrokerError> {
        let ready = async {
            let channel = connection.create_channel().await?;
            self.topology.declare(&channel).await?;
            Ok(channel)
        };
        self.with_answer_timeout(ready).await
    }

    /// Waits for an answer from the broker, up to the confirm timeout: a request made while a
    /// connection breaks may never be answered, not even with an error.
    pub(super) async fn with_answer_timeout<T>(
        &self,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        let timeout = self.options.confirm_timeout;
        match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(BrokerError::AnswerTimeout(timeout)),
        }
    }

    /// Closes a connection gracefully, if it is still open and the broker reads from it.
    pub(super) async fn close(&self, connection: &OpenConnection) {
        if connection.status().connected()
            && !connection.status().blocked()
            && let Err(error) = self.with_answer_timeout(connection.close(200, "OK".into())).await
        {
            tracing::debug!(event = "rabbitmq.not_closed", %error, "a connection could not be closed gracefully");
        }
    }

    async fn open(&self, node: &AMQPUri, socket: OpenSocket) -> lapin::Result<Connection> {
        let properties = ConnectionProperties::default()
            .with_connection_name(self.options.exchange.as_str().into());
        let runtime = lapin::runtime::default_runtime()?;
        let io = runtime.clone();
        let connect = async move |uri: AMQPUri, _| {
            let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
            let stream = plain.connect_async(&io).await?;
            if let AsyncTcpStream::Plain(stream) = &stream {
                socket.remember(TcpStream::from(stream.get_ref().as_fd().try_clone_to_owned()?));
            }
            match uri.scheme {
                AMQPScheme::AMQP => Ok(stream),
                AMQPScheme::AMQPS => {
                    Ok(stream.into_tls(&uri.authority.host, TLSConfig::default()).await?)
                }
            }
        };
        Connection::connector(node.clone(), runtime, connect, properties).await
    }
}

/// Any number below `count`. Where the system gives none at random it is 0, which is as good for a
/// single process.
fn random_index(count: usize) -> usize {
    let random = getrandom::u32().map_or(0, |random| random as usize);
    random.checked_rem(count).unwrap_or(0)
}

/// A connection that leaves nothing behind when it is dropped, as if the process had been killed.
/// lapin would say goodbye to the broker and wait for the answer, which never comes if a request was
/// dropped just before it was sent, or if the broker blocks the connection. Without this the
/// connection would stay open, with every message that it had been given.
pub(super) struct OpenConnection {
    connection: Connection,
    socket: OpenSocket,
}

impl Deref for OpenConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if !self.connection.status().closed() {
            self.socket.shut_down();
        }
    }
}

/// The socket of a connection. lapin runs each connection on its own thread,
/// which ends only when the socket is closed: without this, every attempt to reach a broker that
/// accepts connections but does not answer would leak a thread.
#[derive(Clone, Default)]
struct OpenSocket(Arc<Mutex<Option<TcpStream>>>);

impl OpenSocket {
    fn remember(&self, socket: TcpStream) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }

    fn shut_down(&self) {
        if let Some(socket) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It fails only if the socket is already closed.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Returns when the connection is no longer usable.
pub(super) async fn wait_until_lost(connection: &Connection) {
    // A graceful close emits no event, so the state is polled as well.
    let mut look = tokio::time::interval(Duration::from_secs(1));
    let mut events = connection.events_listener().fuse();
    while connection.status().connected() {
        tokio::select! {
            event = events.select_next_some() => if let Event::Error(error) = event {
                tracing::debug!(event = "rabbitmq.connection_error", %error, "error on a RabbitMQ connection");
            },
            _ = look.tick() => {}
        }
    }
}
