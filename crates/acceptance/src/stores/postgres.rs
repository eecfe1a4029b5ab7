//! PostgreSQL's rows.

use std::collections::BTreeMap;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::system::System;

/// A connection to the database of a distributed system. It ends when the client is dropped.
pub async fn postgres(system: &System) -> Client {
    let url = system.setting("postgres.url");
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the system's database");
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
        let rows =
            first_column(&client, &format!("SELECT content::text FROM {table} AS content")).await;
        contents.insert(table, rows);
    }
    contents
}

async fn first_column(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    rows.collect()
}
