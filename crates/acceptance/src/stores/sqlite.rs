//! The rows of a standalone deployment.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many events wait in the outbox of the standalone system whose files are in `data`.
pub fn count_outbox(data: &Path) -> u64 {
    let path = data.join("registration.sqlite3");
    let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    let query = diesel::sql_query("SELECT count(*) AS count FROM outbox");
    let count: Count = query.get_result(&mut database).unwrap();
    u64::try_from(count.count).unwrap()
}
