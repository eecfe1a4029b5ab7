//! Whether the schema has what this program needs, and whether its user may use it.

use domain::Finding;
use tokio_postgres::Client;

use super::super::migrations;
use super::super::options::PostgresOptions;
use super::question::{columns, rows};

const SCHEMA: &str = "postgres.schema";
const PRIVILEGES: &str = "postgres.privileges";

/// What the queries do with the tables.
const MISSING_PRIVILEGES: &str = "
    SELECT string_agg(privilege || ' on ' || relation, ', ' ORDER BY relation, privilege)
    FROM (VALUES ('users'), ('outbox'), ('webhook_outbox'), ('suppressions')) AS relations (relation),
        (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS privileges (privilege)
    WHERE NOT has_table_privilege(relation, privilege)";

/// An error if a migration is missing: nothing else is asked then.
pub(super) async fn judge_version(
    client: &Client,
    options: &PostgresOptions,
) -> Result<Finding, Finding> {
    let known = migrations::versions()
        .map_err(|error| Finding::error(SCHEMA, error.to_string(), "report this defect"))?;
    let applied = applied_versions(client, options).await?;
    let missing: Vec<_> = known.iter().filter(|version| !applied.contains(version)).collect();
    let advice = "run `registration-api migrate`";
    if applied.is_empty() {
        return Err(Finding::error(SCHEMA, "the database has no schema yet", advice));
    }
    if let Some(first) = missing.first() {
        let message = format!(
            "the schema is older than this program: {} of {} migrations are missing, from {first} on",
            missing.len(),
            known.len()
        );
        return Err(Finding::error(SCHEMA, message, advice));
    }
    let newer = applied.iter().filter(|version| !known.contains(version)).count();
    Ok(Finding::ok(
        SCHEMA,
        match newer {
            0 => format!("all {} migrations are applied", known.len()),
            _ => format!(
                "all {} migrations are applied, and {newer} of a newer version",
                known.len()
            ),
        },
    ))
}

async fn applied_versions(
    client: &Client,
    options: &PostgresOptions,
) -> Result<Vec<String>, Finding> {
    let [exists] =
        columns(client, options, "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL")
            .await?;
    if exists != "t" {
        return Ok(Vec::new());
    }
    let rows = rows(client, options, "SELECT version FROM __diesel_schema_migrations").await?;
    Ok(rows.iter().filter_map(|row| row.get(0)).map(str::to_owned).collect())
}

pub(super) async fn judge_privileges(
    client: &Client,
    options: &PostgresOptions,
) -> Result<Finding, Finding> {
    let [missing] = columns(client, options, MISSING_PRIVILEGES).await?;
    if missing.is_empty() {
        return Ok(Finding::ok(PRIVILEGES, "the user may read and write all tables"));
    }
    let advice = "GRANT SELECT, INSERT, UPDATE, DELETE ON users, outbox, webhook_outbox, suppressions to \
         the user of postgres.url";
    Err(Finding::error(PRIVILEGES, format!("the user lacks {missing}"), advice))
}
