//! Statements about several users that are wanted at the same time, such as by the mails of a worker.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Interval, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use domain::CodeIssue;
use futures::FutureExt;
use uuid::Uuid;

use super::database::Database;
use super::gathering::{BRIEFLY, Gathering, Pace, Pause};
use super::outbox::interval;
use super::schema::users;
use crate::sql_rows::{UserRow, user_row};

/// Before a mail.
pub(super) const FINDING: Pace = Pace { at_once: 1, pause: BRIEFLY };

/// After a mail. Two, since one may wait for the lock of a row.
const HOLDING: Pace = Pace { at_once: 2, pause: Pause::Always(Duration::from_millis(5)) };

/// Finds users by their identifiers.
pub(super) type FindUsers = Gathering<Uuid, Option<UserRow<Uuid>>>;

/// Holds the addresses of claims, each for its time.
pub(super) type HoldAddresses = Gathering<(CodeIssue, Duration), ()>;

pub(super) fn find_users(database: Database) -> Arc<FindUsers> {
    Gathering::new(FINDING, move |ids: Vec<Uuid>| {
        let database = database.clone();
        async move {
            let query = users::table.filter(users::id.eq_any(ids.clone())).select(user_row!());
            let rows: Vec<UserRow<Uuid>> =
                database.run(move |connection| query.load(connection).boxed()).await?;
            let found: HashMap<Uuid, UserRow<Uuid>> =
                rows.into_iter().map(|row| (row.0, row)).collect();
            Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
        }
        .boxed()
    })
}

pub(super) fn hold_addresses(database: Database) -> Arc<HoldAddresses> {
    Gathering::new(HOLDING, move |claims: Vec<(CodeIssue, Duration)>| {
        let database = database.clone();
        async move {
            let statement = HoldStatement::new(&claims);
            database.run(|connection| statement.execute(connection).boxed()).await?;
            Ok(vec![(); claims.len()])
        }
        .boxed()
    })
}

/// Holds the addresses of claims whose code is the current one of a pending user. See
/// [`super::schema::num_nulls`].
#[derive(QueryId)]
struct HoldStatement {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    durations: Vec<PgInterval>,
}

impl HoldStatement {
    /// The rows are locked in one order, and a row is changed once: by who asked last.
    fn new(claims: &[(CodeIssue, Duration)]) -> Self {
        let claims: BTreeMap<(Uuid, u32), Duration> = claims
            .iter()
            .map(|(issue, duration)| ((*issue.user_id.as_uuid(), issue.number), *duration))
            .collect();
        Self {
            ids: claims.keys().map(|(id, _)| *id).collect(),
            numbers: claims.keys().map(|(_, number)| i64::from(*number)).collect(),
            durations: claims.values().map(|duration| interval(*duration)).collect(),
        }
    }
}

impl QueryFragment<Pg> for HoldStatement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE users SET code_expires_at = clock_timestamp() + claim.duration FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.numbers)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Interval>, _>(&self.durations)?;
        out.push_sql(
            ") AS claim (id, number, duration)
            WHERE users.id = claim.id AND users.code_number = claim.number
                AND num_nulls(users.activated_at) = 1",
        );
        Ok(())
    }
}
