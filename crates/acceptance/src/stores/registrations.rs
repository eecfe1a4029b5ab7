//! Registrations that are older than any test can wait for.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use super::postgres::postgres;
use crate::system::{Deployment, System};

/// Makes a registration some days older than it is.
pub async fn age_registration(system: &System, email: &str, days: i32) {
    let aged = match system.deployment {
        Deployment::Distributed => {
            let statement = "UPDATE users SET code_requested_at = code_requested_at - make_interval(days => $2) \
                             WHERE email = $1";
            postgres(system).await.execute(statement, &[&email, &days]).await.unwrap()
        }
        Deployment::Standalone => {
            let path = system.data_directory().join("registration.sqlite3");
            let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            database.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
            let milliseconds = i64::from(days) * 24 * 60 * 60 * 1000;
            let statement =
                "UPDATE users SET code_requested_at = code_requested_at - ? WHERE email = ?";
            let statement = diesel::sql_query(statement).bind::<BigInt, _>(milliseconds);
            statement.bind::<Text, _>(email).execute(&mut database).unwrap() as u64
        }
    };
    assert_eq!(aged, 1, "{email} is not registered");
}
