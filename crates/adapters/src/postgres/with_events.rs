//! A change of a user together with the events that it causes: one statement, so one round trip, and
//! a transaction by itself.

use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Interval, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::outbox::interval;
use crate::hand_over::Recording;
use crate::sql_rows::StoredEvent;

/// Does `change`, which affects at most one row, and records the events if it affected one. To be
/// executed, which counts the rows and waits for the commit: a row that is loaded may be there
/// although the commit that follows it fails.
///
/// An address that is taken gets no events, which costs the database a little less; conceal mode
/// hides that together with the rest (OWASP ASVS 6.3.8).
///
/// `WEBHOOK` says whether some of the events are recorded for the webhook too. Statements of one type
/// are prepared once, so it cannot be a field.
pub(super) struct WithEvents<Q, const WEBHOOK: bool> {
    change: Q,
    for_webhook: Vec<String>,
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    user_ids: Vec<Uuid>,
    code_numbers: Vec<Option<i64>>,
    traces: Vec<String>,
    lease: diesel::pg::data_types::PgInterval,
    attempts: i64,
}

impl<Q, const WEBHOOK: bool> WithEvents<Q, WEBHOOK> {
    pub(super) fn new(change: Q, recording: &Recording) -> Self {
        let lease = recording.lease();
        let mut statement = Self {
            change,
            for_webhook: recording.for_webhook().map(|e| e.kind.type_name().to_owned()).collect(),
            ids: Vec::new(),
            kinds: Vec::new(),
            user_ids: Vec::new(),
            code_numbers: Vec::new(),
            traces: Vec::new(),
            lease: interval(lease.unwrap_or(Duration::ZERO)),
            attempts: lease.is_some().into(),
        };
        for event in recording.events().iter().map(StoredEvent::from) {
            statement.ids.push(event.id);
            statement.kinds.push(event.kind);
            statement.user_ids.push(event.user_id);
            statement.code_numbers.push(event.code_number);
            statement.traces.push(event.traceparent);
        }
        statement
    }
}

impl<Q: QueryFragment<Pg>, const WEBHOOK: bool> QueryFragment<Pg> for WithEvents<Q, WEBHOOK> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH changed AS (");
        self.change.walk_ast(out.reborrow())?;
        out.push_sql(
            " RETURNING 1), recorded AS (
                INSERT INTO outbox
                    (id, type, user_id, code_number, traceparent, due_at, attempts)
                SELECT event.*, clock_timestamp() + ",
        );
        out.push_bind_param::<Interval, _>(&self.lease)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.attempts)?;
        out.push_sql(" FROM changed, unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.user_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.code_numbers)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.traces)?;
        out.push_sql(") AS event");
        if WEBHOOK {
            out.push_sql(
                " RETURNING id, type, user_id, code_number, traceparent), announced AS (
                    INSERT INTO webhook_outbox (id, type, user_id, code_number, traceparent)
                    SELECT * FROM recorded WHERE type = ANY(",
            );
            out.push_bind_param::<Array<Text>, _>(&self.for_webhook)?;
            out.push_sql(")");
        }
        out.push_sql(") SELECT FROM changed");
        Ok(())
    }
}

impl<Q: QueryId, const WEBHOOK: bool> QueryId for WithEvents<Q, WEBHOOK> {
    type QueryId = WithEvents<Q::QueryId, WEBHOOK>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}
