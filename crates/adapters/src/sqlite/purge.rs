//! Deletes registrations that were never activated.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
use domain::UserId;
use domain::ports::{PurgeAges, Purged};

use super::database::{Database, Failure};
use super::schema::{millis, now, users};
use super::text_uuid::TextUuid;

/// Deletes up to `limit` of the users that `UserRepository::purge_unverified` describes.
pub(super) async fn purge(
    database: &Database,
    ages: PurgeAges,
    limit: u32,
) -> Result<Purged, Failure> {
    let requested_before = |age| users::code_requested_at.le(now() - millis(age));
    let has_lapsed = users::code_expires_at.le(now().nullable());
    let is_given_up = users::code_expires_at.is_null().and(requested_before(ages.unmailed));
    let stale = users::table
        .filter(users::activated_at.is_null())
        .filter(requested_before(ages.mailed))
        .filter(is_given_up.or(has_lapsed))
        .order(users::code_requested_at)
        .limit(limit.into())
        .select((users::id, users::code_expires_at.is_not_null()));
    let purge = database.write(move |connection| {
        let stale: Vec<(TextUuid, bool)> = stale.load(connection)?;
        let ids: Vec<TextUuid> = stale.iter().map(|(id, _)| *id).collect();
        diesel::delete(users::table.filter(users::id.eq_any(ids))).execute(connection)?;
        Ok(stale)
    });
    let deleted = purge.await?;
    Ok(Purged::of(deleted.into_iter().map(|(id, is_mailed)| (UserId::from_uuid(id.0), is_mailed))))
}
