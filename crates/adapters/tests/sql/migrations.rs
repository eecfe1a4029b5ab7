//! Up, down and up again leads to the same schema.

use adapters::{postgres as pg, sqlite as lite};
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use diesel_async::RunQueryDsl as AsyncRunQueryDsl;

use crate::postgres::TestDatabase;
use crate::sqlite;

#[derive(QueryableByName, Debug, PartialEq)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// Every column, constraint and index.
const POSTGRES_SCHEMA: &str = "
    SELECT concat_ws(' ', table_name, column_name, data_type, collation_name, is_nullable, column_default) AS line
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '\\_\\_%'
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'
    ORDER BY line";

const SQLITE_SCHEMA: &str = "SELECT sql AS line FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name";

#[tokio::test]
async fn postgres_up_down_up() {
    let database = TestDatabase::empty().await;
    let options = crate::postgres::options(&database.url());
    let mut connection = database.connect().await;
    let mut schema = async || -> Vec<Line> {
        AsyncRunQueryDsl::load(sql_query(POSTGRES_SCHEMA), &mut connection).await.unwrap()
    };
    let count = pg::migrate(&options).await.unwrap();
    assert!(count >= 2);
    let first = schema().await;
    let unique = "users users_email_key UNIQUE (email_key)";
    assert!(first.iter().any(|line| line.line.as_deref() == Some(unique)), "{first:#?}");
    let collation = "users email_key text C NO";
    assert!(first.iter().any(|line| line.line.as_deref() == Some(collation)), "{first:#?}");
    assert_eq!(pg::migrate(&options).await.unwrap(), 0, "nothing is left to do");
    assert_eq!(pg::revert_all(&options).await.unwrap(), count);
    assert_eq!(schema().await, []);
    assert_eq!(pg::migrate(&options).await.unwrap(), count);
    assert_eq!(schema().await, first);
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let database = TestDatabase::empty().await;
    let options = crate::postgres::options(&database.url());
    let migrations = (0..5).map(|_| pg::migrate(&options));
    let counts = futures::future::join_all(migrations).await.into_iter().map(Result::unwrap);
    assert_eq!(counts.filter(|count| *count > 0).count(), 1);
}

#[tokio::test]
async fn sqlite_up_down_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let schema = || -> Vec<Line> {
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        RunQueryDsl::load(sql_query(SQLITE_SCHEMA), &mut connection).unwrap()
    };
    let database = lite::open(sqlite::options(&path)).await.unwrap();
    let first = schema();
    assert!(
        first
            .iter()
            .any(|line| line.line.as_deref().is_some_and(|sql| sql.contains("users_email_key")))
    );
    lite::revert_all(&database).await.unwrap();
    assert_eq!(schema(), []);
    drop(database);
    lite::open(sqlite::options(&path)).await.unwrap();
    assert_eq!(schema(), first);
}
