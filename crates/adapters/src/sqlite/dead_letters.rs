//! The buried rows of the outbox: events that can never be delivered.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::sql_types::{Bool, Text};
use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    SqliteConnection,
};
use domain::ports::{
    DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor, DeadLetters,
};

use super::database::Database;
use super::schema::{now, outbox};
use crate::sql_buried_events::{BuriedEvent, PAGE_SIZE, before_the_first, unix_millis, visit_page};

/// The row as JSON; the empty patch removes the members that are null.
const EVENT: &str = "json_patch('{}', json_object(
    'id', id, 'type', type, 'user_id', user_id, 'code_number', code_number, 'traceparent', traceparent))";

/// [`DeadLetters`] over the outbox in SQLite.
pub struct SqliteDeadLetters {
    database: Database,
}

impl SqliteDeadLetters {
    /// Works on the outbox that [`super::SqliteUserRepository`] fills.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Does it to one page, in one transaction, and returns the rows as they were.
    async fn act_on_page(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        after: String,
    ) -> Result<Vec<BuriedEvent>, DeadLetterError> {
        let selection = selection.clone();
        let choose = move |connection: &mut SqliteConnection| choose(connection, selection, after);
        let page = match action {
            DeadLetterAction::List => self.database.read(choose).await,
            DeadLetterAction::Replay | DeadLetterAction::Discard => {
                let work = move |connection: &mut SqliteConnection| {
                    let page = choose(connection)?;
                    change(connection, action, &page)?;
                    Ok(page)
                };
                self.database.write(work).await
            }
        };
        page.map_err(|failure| DeadLetterError(failure.into()))
    }
}

/// The page of selected rows that comes after a row.
fn choose(
    connection: &mut SqliteConnection,
    selection: DeadLetterSelection,
    after: String,
) -> QueryResult<Vec<BuriedEvent>> {
    let mut query = outbox::table
        .filter(outbox::failed_at.is_not_null())
        .filter(outbox::id.gt(after))
        .order(outbox::id)
        .limit(PAGE_SIZE.into())
        .select((
            outbox::id,
            outbox::kind,
            outbox::failure.assume_not_null(),
            outbox::failed_at.assume_not_null(),
            outbox::attempts,
            sql::<Text>(EVENT),
        ))
        .into_boxed();
    if !selection.ids.is_empty() {
        let ids = selection.ids.iter().map(|id| id.as_uuid().to_string());
        query = query.filter(outbox::id.eq_any(ids.collect::<Vec<_>>()));
    }
    if let Some(reason) = selection.reason {
        query = query.filter(sql::<Bool>("instr(failure, ").bind::<Text, _>(reason).sql(") > 0"));
    }
    if let Some(since) = selection.since {
        query = query.filter(outbox::failed_at.ge(unix_millis(since)));
    }
    query.load(connection)
}

fn change(
    connection: &mut SqliteConnection,
    action: DeadLetterAction,
    page: &[BuriedEvent],
) -> QueryResult<usize> {
    let rows = outbox::table.filter(outbox::id.eq_any(page.iter().map(|row| &row.id)));
    match action {
        DeadLetterAction::List => Ok(0),
        DeadLetterAction::Replay => diesel::update(rows)
            .set((
                outbox::failed_at.eq(None::<i64>),
                outbox::failure.eq(None::<String>),
                outbox::attempts.eq(0),
                outbox::due_at.eq(now()),
            ))
            .execute(connection),
        DeadLetterAction::Discard => diesel::delete(rows).execute(connection),
    }
}

#[async_trait]
impl DeadLetters for SqliteDeadLetters {
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError> {
        let mut after = Some(before_the_first());
        while let Some(key) = after {
            after = visit_page(self.act_on_page(action, selection, key).await?, visit);
        }
        Ok(())
    }
}
