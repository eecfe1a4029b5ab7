//! Whether the database can take a registration, which only a write can tell.

use diesel::dsl::{select, sql};
use diesel::result::Error;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl, QueryResult, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::migrations;
use super::schema::{__diesel_schema_migrations, outbox};

/// Records an event, and asks for the right to change users without changing one.
const RECORD: &str = "
    WITH no_user AS (UPDATE users SET code_number = code_number WHERE false)
    INSERT INTO outbox (id, type, user_id, traceparent) VALUES (gen_random_uuid(), 'probe', gen_random_uuid(), '')
    RETURNING id";

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Commits what a registration needs, an event in the outbox, and takes it back in the same
/// transaction, so that nobody ever sees it.
pub(super) async fn probe(database: &Database) -> Result<(), Failure> {
    let probe = database.transact(|connection| {
        async move {
            if !has_current_schema(connection).await? {
                return Ok(false);
            }
            let recorded: Recorded = sql_query(RECORD).get_result(connection).await?;
            diesel::delete(outbox::table.find(recorded.id)).execute(connection).await?;
            Ok(true)
        }
        .boxed()
    });
    if probe.await? { Ok(()) } else { Err(Failure::OldSchema) }
}

/// Whether every migration that this program knows was applied. A newer program may have applied
/// more.
async fn has_current_schema(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let table_exists = sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
    if !select(table_exists).get_result(connection).await? {
        return Ok(false);
    }
    let known = migrations::versions().map_err(Error::QueryBuilderError)?;
    let count = i64::try_from(known.len()).unwrap_or(i64::MAX);
    let applied =
        __diesel_schema_migrations::table.filter(__diesel_schema_migrations::version.eq_any(known));
    Ok(applied.count().get_result::<i64>(connection).await? >= count)
}
