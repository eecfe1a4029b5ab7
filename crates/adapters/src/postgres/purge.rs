//! Deletes registrations that were never activated.

use diesel::dsl::{now, select};
use diesel::sql_types::Timestamptz;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, NullableExpressionMethods, QueryDsl,
};
use diesel_async::RunQueryDsl;
use domain::UserId;
use domain::ports::{PurgeAges, Purged};
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::outbox::interval;
use super::schema::{clock_timestamp, pg_try_advisory_xact_lock, users};

/// Held by the replica that purges. Any constant will do.
const PURGE_LOCK: i64 = 7_021_853_662_190_146;

/// Deletes up to `limit` of the users that `UserRepository::purge_unverified` describes; none while
/// another replica is purging.
pub(super) async fn purge(
    database: &Database,
    ages: PurgeAges,
    limit: u32,
) -> Result<Purged, Failure> {
    let requested_before =
        |age| users::code_requested_at.le(now.into_sql::<Timestamptz>() - interval(age));
    let has_lapsed = users::code_expires_at.le(clock_timestamp().nullable());
    let is_given_up = users::code_expires_at.is_null().and(requested_before(ages.unmailed));
    let stale = users::table
        .filter(users::activated_at.is_null())
        .filter(requested_before(ages.mailed))
        .filter(is_given_up.or(has_lapsed))
        .order(users::code_requested_at)
        .limit(limit.into())
        .select((users::id, users::code_expires_at.is_not_null()))
        .for_update()
        .skip_locked();
    let purge = database.transact(move |connection| {
        async move {
            let lock = select(pg_try_advisory_xact_lock(PURGE_LOCK));
            if !lock.get_result::<bool>(connection).await? {
                return Ok(Vec::new());
            }
            let stale: Vec<(Uuid, bool)> = stale.load(connection).await?;
            let ids: Vec<Uuid> = stale.iter().map(|(id, _)| *id).collect();
            diesel::delete(users::table.filter(users::id.eq_any(ids))).execute(connection).await?;
            Ok(stale)
        }
        .boxed()
    });
    let deleted = purge.await?;
    Ok(Purged::of(deleted.into_iter().map(|(id, is_mailed)| (UserId::from_uuid(id), is_mailed))))
}
