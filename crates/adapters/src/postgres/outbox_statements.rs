//! Statements on the outbox that the query builder cannot express, in a form that is prepared once.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Interval, Nullable, Text, Uuid as SqlUuid};
use domain::UserEvent;
use uuid::Uuid;

use crate::sql_outbox_table::OutboxTable;

/// Events of other types are left for a newer relay.
const KNOWN_TYPES: &[&str] = &UserEvent::TYPES;

/// Claims the events that have been due for longest. Rows that another relay is claiming at this
/// moment are skipped; the first part is materialised so that it is evaluated, and takes its locks,
/// only once.
pub(super) struct Claim {
    pub(super) table: OutboxTable,
    pub(super) limit: i64,
    pub(super) lease: PgInterval,
}

/// What [`Claim`] returns: identifier, type, user, number of the code, trace, attempts.
pub(super) type Claimed = (Uuid, String, Uuid, Option<i64>, String, i64);

impl QueryFragment<Pg> for Claim {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let table = self.table.name();
        out.push_sql("WITH due AS MATERIALIZED (SELECT id FROM ");
        out.push_sql(table);
        out.push_sql(" WHERE failed_at IS NULL AND due_at <= now() AND type = ANY(");
        out.push_bind_param::<Array<Text>, _>(KNOWN_TYPES)?;
        out.push_sql(") ORDER BY due_at, id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(
            " FOR UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE ",
        );
        out.push_sql(table);
        out.push_sql(" AS event SET attempts = attempts + 1, due_at = clock_timestamp() + ");
        out.push_bind_param::<Interval, _>(&self.lease)?;
        out.push_sql(
            " FROM due WHERE event.id = due.id
                RETURNING event.*
            )
            SELECT id, type, user_id, code_number, traceparent, attempts FROM claimed ORDER BY id",
        );
        Ok(())
    }
}

/// Prepared once per text, since the name of the table is part of it.
impl QueryId for Claim {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Claim {
    type SqlType = (SqlUuid, Text, SqlUuid, Nullable<BigInt>, Text, BigInt);
}

/// Deletes events without waiting for the disk: a crash of the server can undo it, which repeats a
/// delivery and loses nothing. Holds for this transaction only.
pub(super) struct Delete {
    pub(super) table: OutboxTable,
    pub(super) ids: Vec<Uuid>,
}

impl QueryFragment<Pg> for Delete {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(self.table.name());
        out.push_sql(" WHERE id = ANY(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(") AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'");
        Ok(())
    }
}

impl QueryId for Delete {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
