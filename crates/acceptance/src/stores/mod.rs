//! Everything that a system has stored, as text to be searched: PostgreSQL's rows, Redis's keys and
//! values, RabbitMQ's messages, the files of a standalone deployment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, RunQueryDsl, SqliteConnection};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicNackOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use redis::aio::MultiplexedConnection;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::environment::required;
use crate::system::Deployment;
use crate::system::System;
use crate::wait::eventually;

/// A setting that leads a distributed system to its servers.
fn server_setting(system: &System, key: &str) -> String {
    let settings = system.servers().settings();
    settings.into_iter().find(|(name, _)| name == key).expect("a setting of the servers").1
}

/// A connection to the database of a distributed system. It ends when the client is dropped.
pub async fn postgres(system: &System) -> tokio_postgres::Client {
    let url = server_setting(system, "postgres.url");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the system's database");
    tokio::spawn(connection);
    client
}

/// Every row of every table, written out as PostgreSQL prints it.
pub async fn postgres_tables(system: &System) -> BTreeMap<String, Vec<String>> {
    let client = postgres(system).await;
    let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) \
                  FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let mut contents = BTreeMap::new();
    for table in first_column(&client, tables).await {
        let rows = first_column(&client, &format!("SELECT content::text FROM {table} AS content")).await;
        contents.insert(table, rows);
    }
    contents
}

async fn first_column(client: &tokio_postgres::Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    rows.collect()
}

/// Every key of a distributed system in Redis with its value, whatever its type.
pub async fn redis_entries(system: &System) -> Vec<String> {
    let client = redis::Client::open(server_setting(system, "redis.url")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let pattern = format!("{}*", server_setting(system, "redis.key_prefix"));
    let (mut cursor, mut entries) = (0_u64, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.unwrap();
        for key in keys {
            entries.push(redis_entry(&mut connection, &key).await);
        }
        cursor = next;
        if cursor == 0 {
            return entries;
        }
    }
}

async fn redis_entry(connection: &mut MultiplexedConnection, key: &[u8]) -> String {
    let kind: String = redis::cmd("TYPE").arg(key).query_async(connection).await.unwrap();
    let mut read = match kind.as_str() {
        // Its time has just run out.
        "none" => return String::new(),
        "string" => redis::cmd("GET"),
        "hash" => redis::cmd("HGETALL"),
        "list" => redis::cmd("LRANGE"),
        "set" => redis::cmd("SMEMBERS"),
        "zset" => redis::cmd("ZRANGE"),
        other => panic!("a {other} in Redis, which this test cannot search yet"),
    };
    read.arg(key);
    if matches!(kind.as_str(), "list" | "zset") {
        read.arg(0).arg(-1);
    }
    let values: Vec<Vec<u8>> = match kind.as_str() {
        "string" => vec![read.query_async(connection).await.unwrap_or_default()],
        _ => read.query_async(connection).await.unwrap_or_default(),
    };
    let values: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
    format!("{} {kind} {}", String::from_utf8_lossy(key), values.join(" "))
}

/// Reads along on the exchange of a distributed system, and in its queues.
pub struct Tap {
    _connection: Connection,
    channel: Channel,
    exchange: String,
    queue: ShortString,
}

impl Tap {
    /// Receives a copy of everything that is published from now on.
    pub async fn open(system: &System) -> Self {
        // Around the proxy, which a test may cut.
        let url = required("TEST_AMQP_URL");
        let exchange = server_setting(system, "rabbitmq.exchange");
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("RabbitMQ");
        let channel = connection.create_channel().await.unwrap();
        let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let declared = channel.queue_declare("".into(), exclusive, FieldTable::default()).await.unwrap();
        let queue = declared.name().clone();
        let (source, options) = (exchange.as_str().into(), QueueBindOptions::default());
        channel.queue_bind(queue.clone(), source, "#".into(), options, FieldTable::default()).await.unwrap();
        Self { _connection: connection, channel, exchange, queue }
    }

    /// All that was published.
    pub async fn messages(&self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(message) = self.get(self.queue.clone()).await {
            messages.push(written_out(&message));
        }
        messages
    }

    /// Waits for a message in a queue of the system, named `<exchange>.<suffix>`, reads it and leaves it there.
    pub async fn waiting_in(&self, suffix: &str) -> String {
        let name = format!("{}.{suffix}", self.exchange);
        eventually(&format!("a message in {name}"), async || {
            let message = self.get(name.as_str().into()).await?;
            let put_back = BasicNackOptions { requeue: true, ..Default::default() };
            message.acker.nack(put_back).await.unwrap();
            Some(written_out(&message))
        })
        .await
    }

    async fn get(&self, queue: ShortString) -> Option<BasicGetMessage> {
        self.channel.basic_get(queue, BasicGetOptions::default()).await.unwrap()
    }
}

/// Routing key, headers, properties and body.
fn written_out(message: &BasicGetMessage) -> String {
    let delivery = &message.delivery;
    let headers = headers(&delivery.properties);
    let body = String::from_utf8_lossy(&delivery.data);
    format!("{} {headers} {:?} {body}", delivery.routing_key, delivery.properties)
}

fn headers(properties: &BasicProperties) -> String {
    let headers = properties.headers().iter().flat_map(FieldTable::inner);
    let texts = headers.map(|(name, value)| match value {
        // Its debug form is a list of bytes.
        AMQPValue::LongString(text) => format!("{name}: {text}"),
        other => format!("{name}: {other:?}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Where a standalone system keeps its data, as it has told whoever started it.
pub fn data_directory(system: &System) -> PathBuf {
    let lines = system.api().logs().lines();
    let line = lines.iter().rev().find_map(|line| line.trim().strip_prefix("Data "));
    line.expect("the greeting says where the data lies").trim().into()
}

/// Lets a registration be some days older than it is.
pub async fn age_registration(system: &System, email: &str, days: i32) {
    let aged = match system.deployment {
        Deployment::Distributed => {
            let statement = "UPDATE users SET code_requested_at = code_requested_at - make_interval(days => $2) \
                             WHERE email = $1";
            postgres(system).await.execute(statement, &[&email, &days]).await.unwrap()
        }
        Deployment::Standalone => {
            let path = data_directory(system).join("registration.sqlite3");
            let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            database.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
            let milliseconds = i64::from(days) * 24 * 60 * 60 * 1000;
            let statement = "UPDATE users SET code_requested_at = code_requested_at - ? WHERE email = ?";
            let statement = diesel::sql_query(statement).bind::<BigInt, _>(milliseconds);
            statement.bind::<Text, _>(email).execute(&mut database).unwrap() as u64
        }
    };
    assert_eq!(aged, 1, "{email} is not registered");
}

/// Every file that a standalone system has written, byte for byte as far as it is text.
pub fn data_files(system: &System) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(data_directory(system)).unwrap();
    let read = |file: std::fs::DirEntry| {
        let content = std::fs::read(file.path()).unwrap();
        (file.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&content).into_owned())
    };
    files.map(Result::unwrap).filter(|file| file.path().is_file()).map(read).collect()
}
