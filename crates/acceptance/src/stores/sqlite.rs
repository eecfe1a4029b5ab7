//! The rows of a standalone deployment.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Check {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// Whether every page and index of a database file is sound.
pub fn is_sound(file: &Path) -> bool {
    let mut database = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let check: Check =
        diesel::sql_query("PRAGMA integrity_check").get_result(&mut database).unwrap();
    check.integrity_check == "ok"
}

/// Makes the database in `data` larger by so many megabytes, so that it takes a while to be copied.
pub fn add_ballast(data: &Path, megabytes: u32) {
    let mut database = open(data);
    let fill = format!(
        "CREATE TABLE ballast AS WITH RECURSIVE row(number) AS
            (SELECT 1 UNION ALL SELECT number + 1 FROM row WHERE number < {megabytes})
         SELECT randomblob(1000000) FROM row"
    );
    database.batch_execute(&fill).unwrap();
}

fn open(data: &Path) -> SqliteConnection {
    let path = data.join("registration.sqlite3");
    let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    database
}

/// How many rows a table of the standalone system has whose files are in `data`.
pub fn count_rows(data: &Path, table: &str) -> u64 {
    let mut database = open(data);
    let query = diesel::sql_query(format!("SELECT count(*) AS count FROM {table}"));
    let count: Count = query.get_result(&mut database).unwrap();
    u64::try_from(count.count).unwrap()
}
