//! What `doctor` says about the database file: each problem provoked on a real one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use adapters::sqlite::{SqliteOptions, diagnose, open};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use domain::{Finding, Severity};

fn options(path: &Path) -> SqliteOptions {
    SqliteOptions { path: path.to_owned(), busy_timeout: Duration::from_millis(100) }
}

async fn findings(path: &Path) -> Vec<(&'static str, Severity)> {
    let pair = |finding: &Finding| (finding.check, finding.severity);
    diagnose(options(path)).await.iter().map(pair).collect()
}

fn execute(path: &Path, sql: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
    connection
}

#[tokio::test]
async fn a_file_that_can_be_used_has_no_error_and_a_missing_one_stays_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    assert_eq!(findings(&path).await, [("sqlite.file", Severity::Ok)]);
    assert!(!path.exists());
    let database = open(options(&path)).await.unwrap();
    let all_well = ["sqlite.file", "sqlite.integrity", "sqlite.schema", "sqlite.writes"]
        .map(|check| (check, Severity::Ok));
    assert_eq!(findings(&path).await, all_well, "beside the running system");
    drop(database);
    assert_eq!(findings(&path).await, all_well);
}

#[tokio::test]
async fn a_damaged_or_foreign_file_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    drop(open(options(&path)).await.unwrap());
    let mut damaged = fs::read(&path).unwrap();
    damaged[4096..12288].fill(0xa5);
    for bytes in [damaged, b"This is no database at all.".repeat(100)] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(findings(&path).await.last(), Some(&("sqlite.integrity", Severity::Error)));
    }
    let foreign = directory.path().join("foreign.db");
    drop(execute(&foreign, "CREATE TABLE notes (text TEXT)"));
    assert_eq!(findings(&foreign).await.last(), Some(&("sqlite.schema", Severity::Error)));
    assert_eq!(findings(directory.path()).await, [("sqlite.file", Severity::Error)]);
}

#[tokio::test]
async fn an_older_schema_is_left_to_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    drop(open(options(&path)).await.unwrap());
    drop(execute(&path, "DELETE FROM __diesel_schema_migrations WHERE version = '20260101000002'"));
    let found = diagnose(options(&path)).await;
    let schema = found.last().unwrap();
    assert_eq!(schema.message, "the next start will apply 1 migrations");
    assert_eq!(schema.severity, Severity::Ok);
}

#[tokio::test]
async fn a_file_that_takes_no_writes_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    drop(open(options(&path)).await.unwrap());
    let _writer = execute(&path, "BEGIN IMMEDIATE");
    assert_eq!(findings(&path).await.last(), Some(&("sqlite.writes", Severity::Error)));
}
