//! A change of users together with the events that it causes: one statement, so one round trip, and a
//! transaction by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::pg::data_types::PgInterval;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Interval, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::outbox::interval;
use crate::hand_over::Recording;
use crate::sql_rows::StoredEvent;

/// Does `change`, and records the events of the users whose row it has changed. Loads their
/// identifiers, or counts them. All of them have to be read before one is believed: a row may come
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
    events: Columns,
}

/// The events, column by column.
#[derive(Default)]
struct Columns {
    /// Whose change causes the event.
    causes: Vec<Uuid>,
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    user_ids: Vec<Uuid>,
    code_numbers: Vec<Option<i64>>,
    traces: Vec<String>,
    leases: Vec<PgInterval>,
    attempts: Vec<i64>,
}

impl<Q, const WEBHOOK: bool> WithEvents<Q, WEBHOOK> {
    /// The events are those of the users whose identifiers come with them.
    pub(super) fn new<'r>(
        change: Q,
        recordings: impl IntoIterator<Item = (&'r Uuid, &'r Recording)>,
    ) -> Self {
        let (mut for_webhook, mut events) = (BTreeSet::new(), Columns::default());
        for (user_id, recording) in recordings {
            for_webhook.extend(recording.for_webhook().map(|event| event.kind.type_name()));
            for event in recording.events() {
                events.push(*user_id, event.into(), recording.lease());
            }
        }
        Self { change, for_webhook: for_webhook.into_iter().map(str::to_owned).collect(), events }
    }
}

impl Columns {
    fn push(&mut self, cause: Uuid, event: StoredEvent, lease: Option<Duration>) {
        self.causes.push(cause);
        self.ids.push(event.id);
        self.kinds.push(event.kind);
        self.user_ids.push(event.user_id);
        self.code_numbers.push(event.code_number);
        self.traces.push(event.traceparent);
        self.leases.push(interval(lease.unwrap_or(Duration::ZERO)));
        self.attempts.push(lease.is_some().into());
    }
}

impl<Q, const WEBHOOK: bool> Query for WithEvents<Q, WEBHOOK> {
    type SqlType = SqlUuid;
}

impl<Q: QueryFragment<Pg>, const WEBHOOK: bool> QueryFragment<Pg> for WithEvents<Q, WEBHOOK> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH changed AS (");
        self.change.walk_ast(out.reborrow())?;
        out.push_sql(
            " RETURNING users.id), recorded AS (
                INSERT INTO outbox
                    (id, type, user_id, code_number, traceparent, due_at, attempts)
                SELECT event.id, type, user_id, code_number, traceparent,
                    clock_timestamp() + lease, attempts
                FROM changed JOIN unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.events.causes)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.events.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.events.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.events.user_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.events.code_numbers)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.events.traces)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Interval>, _>(&self.events.leases)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.events.attempts)?;
        out.push_sql(
            ") AS event (
                    cause, id, type, user_id, code_number, traceparent, lease, attempts
                ) ON cause = changed.id",
        );
        if WEBHOOK {
            out.push_sql(
                " RETURNING id, type, user_id, code_number, traceparent), announced AS (
                    INSERT INTO webhook_outbox (id, type, user_id, code_number, traceparent)
                    SELECT * FROM recorded WHERE type = ANY(",
            );
            out.push_bind_param::<Array<Text>, _>(&self.for_webhook)?;
            out.push_sql(")");
        }
        out.push_sql(") SELECT id FROM changed");
        Ok(())
    }
}

impl<Q: QueryId, const WEBHOOK: bool> QueryId for WithEvents<Q, WEBHOOK> {
    type QueryId = WithEvents<Q::QueryId, WEBHOOK>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}
