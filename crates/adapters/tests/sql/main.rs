//! The contracts of the stores, checked on every implementation, and what is special to each.
//!
//! One executable, so that it is linked once. Needs a PostgreSQL server: `TEST_POSTGRES_URL`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

/// Runs each named case, an `async fn(Store)` of the calling module, on every implementation.
macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::postgres::store().await).await;
                }
            )+
        }
        mod behind_pgbouncer {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::pgbouncer::store().await).await;
                }
            )+
        }
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::sqlite::store().await).await;
                }
            )+
        }
    };
}

mod accounts;
mod buried_events;
#[path = "../dead_letters/mod.rs"]
mod dead_letters;
mod fixtures;
mod migrations;
mod outbox;
mod pgbouncer;
mod postgres;
mod postgres_crash;
mod postgres_diagnosis;
mod postgres_faults;
mod postgres_plans;
mod postgres_probe;
mod postgres_tls;
mod postgres_upgrade;
mod sqlite;
mod sqlite_diagnosis;
mod suppressions;
mod user_repository;
mod webhook_outbox;
