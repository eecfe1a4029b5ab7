//! The buried rows of the outboxes: events that can never be delivered.

use std::ops::ControlFlow;

use async_trait::async_trait;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryResult, RunQueryDsl, SqliteConnection, sql_query};
use domain::EventId;
use domain::ports::{
    DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor, DeadLetters,
};

use super::database::Database;
use super::outbox::json_array;
use super::schema::NOW;
use crate::sql_buried_events::{BuriedEvent, PAGE_SIZE, before_the_first, unix_millis, visit_page};
use crate::sql_outbox_table::OutboxTable;

/// The page of selected rows that comes after a row, of the table in place of `{table}`. The empty
/// patch removes the members of an object that are null.
const CHOOSE: &str = "
    SELECT id, type AS kind, failure AS reason, failed_at, attempts,
        json_patch('{}', json_object('id', id, 'type', type, 'user_id', user_id,
            'code_number', code_number, 'traceparent', traceparent{member})) AS event
    FROM {table}
    WHERE failed_at IS NOT NULL AND id > ?1
        AND (json_array_length(?2) = 0 OR id IN (SELECT value FROM json_each(?2)))
        AND (?3 IS NULL OR instr(failure, ?3) > 0)
        AND (?4 IS NULL OR failed_at >= ?4)
    ORDER BY id LIMIT ?5";

const REPLAY: &str = "
    UPDATE {table} SET failed_at = NULL, failure = NULL, attempts = 0, due_at = {now}
    WHERE id IN (SELECT value FROM json_each(?1))";

const DISCARD: &str = "DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?1))";

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
        table: OutboxTable,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        after: String,
    ) -> Result<Vec<BuriedEvent>, DeadLetterError> {
        let selection = selection.clone();
        let choose =
            move |connection: &mut SqliteConnection| choose(connection, table, selection, after);
        let page = match action {
            DeadLetterAction::List => self.database.read(choose).await,
            DeadLetterAction::Replay | DeadLetterAction::Discard => {
                let work = move |connection: &mut SqliteConnection| {
                    let page = choose(connection)?;
                    change(connection, table, action, &page)?;
                    Ok(page)
                };
                self.database.write(work).await
            }
        };
        page.map_err(|failure| DeadLetterError(failure.into()))
    }
}

fn choose(
    connection: &mut SqliteConnection,
    table: OutboxTable,
    selection: DeadLetterSelection,
    after: String,
) -> QueryResult<Vec<BuriedEvent>> {
    let choose = CHOOSE.replace("{table}", table.name()).replace("{member}", table.json_member());
    sql_query(choose)
        .bind::<Text, _>(after)
        .bind::<Text, _>(json_array(selection.ids.iter().map(EventId::as_uuid)))
        .bind::<Nullable<Text>, _>(selection.reason)
        .bind::<Nullable<BigInt>, _>(selection.since.map(unix_millis))
        .bind::<BigInt, _>(i64::from(PAGE_SIZE))
        .load(connection)
}

fn change(
    connection: &mut SqliteConnection,
    table: OutboxTable,
    action: DeadLetterAction,
    page: &[BuriedEvent],
) -> QueryResult<usize> {
    let statement = match action {
        DeadLetterAction::List => return Ok(0),
        DeadLetterAction::Replay => REPLAY,
        DeadLetterAction::Discard => DISCARD,
    };
    sql_query(statement.replace("{table}", table.name()).replace("{now}", NOW))
        .bind::<Text, _>(json_array(page.iter().map(|row| &row.id)))
        .execute(connection)
}

#[async_trait]
impl DeadLetters for SqliteDeadLetters {
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError> {
        for table in OutboxTable::ALL {
            let mut after = Some(before_the_first());
            while let Some(key) = after {
                let page = self.act_on_page(table, action, selection, key).await?;
                match visit_page(page, visit) {
                    ControlFlow::Continue(next) => after = next,
                    ControlFlow::Break(()) => return Ok(()),
                }
            }
        }
        Ok(())
    }
}
