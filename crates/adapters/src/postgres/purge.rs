//! Deletes registrations that were never activated.

use std::time::Duration;

use diesel::dsl::{now, select};
use diesel::sql_types::Timestamptz;
use diesel::{BoolExpressionMethods, ExpressionMethods, IntoSql, NullableExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::outbox::interval;
use super::schema::{clock_timestamp, pg_try_advisory_xact_lock, users};

/// Held by the replica that purges. Any constant will do.
const PURGE_LOCK: i64 = 7_021_853_662_190_146;

/// Deletes up to `limit` of the users that `UserRepository::purge_unverified` describes; none while
/// another replica is purging.
pub(super) async fn purge(database: &Database, older_than: Duration, limit: u32) -> Result<u64, Failure> {
    let stale = users::table
        .filter(users::activated_at.is_null())
        .filter(users::code_requested_at.le(now.into_sql::<Timestamptz>() - interval(older_than)))
        .filter(users::code_expires_at.is_null().or(users::code_expires_at.le(clock_timestamp().nullable())))
        .order(users::code_requested_at)
        .limit(limit.into())
        .select(users::id)
        .for_update()
        .skip_locked();
    let purge = database.transact(
        move |connection| {
            async move {
                let lock = select(pg_try_advisory_xact_lock(PURGE_LOCK));
                if !lock.get_result::<bool>(connection).await? {
                    return Ok(0);
                }
                let ids: Vec<Uuid> = stale.load(connection).await?;
                diesel::delete(users::table.filter(users::id.eq_any(ids))).execute(connection).await
            }
            .boxed()
        },
        |_| (),
    );
    purge.await.map(|rows| rows as u64)
}
