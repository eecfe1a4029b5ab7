//! What an operator should know about the database file. It is neither made nor migrated: the next
//! start does that.

use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use domain::Finding;

use super::database::{check, connect};
use super::migrations;
use super::options::SqliteOptions;
use super::probe::record_and_delete;

const FILE: &str = "sqlite.file";
const INTEGRITY: &str = "sqlite.integrity";
const SCHEMA: &str = "sqlite.schema";
const WRITES: &str = "sqlite.writes";

const RESTORE: &str = "stop the system, and restore the file from a backup";

/// Looks at the file, each of its pages, its schema, and whether it takes writes.
pub async fn diagnose(options: SqliteOptions) -> Vec<Finding> {
    let looked = tokio::task::spawn_blocking(move || {
        let mut findings = Vec::new();
        if let Err(last) = examine(&options, &mut findings) {
            findings.push(last);
        }
        findings
    });
    looked.await.unwrap_or_else(|error| {
        vec![Finding::error(FILE, format!("the check broke off: {error}"), "report this defect")]
    })
}

/// Ends with the finding after which nothing more can be asked.
fn examine(options: &SqliteOptions, findings: &mut Vec<Finding>) -> Result<(), Finding> {
    let path = options.path.display();
    let size = match std::fs::metadata(&options.path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.push(Finding::ok(FILE, format!("{path} will be made by the first start")));
            return Ok(());
        }
        Err(error) => {
            let message = format!("{path} cannot be read: {error}");
            return Err(Finding::error(FILE, message, "let the user of this process read it"));
        }
    };
    let mut connection = connect(options)
        .map_err(|error| Finding::error(FILE, error.to_string(), "let this process open it"))?;
    findings.push(Finding::ok(FILE, format!("{path}, {} kB", size / 1000)));
    check(&mut connection)
        .map_err(|problem| Finding::error(INTEGRITY, format!("damaged: {problem}"), RESTORE))?;
    findings.push(Finding::ok(INTEGRITY, "every page is sound"));
    let schema = judge_schema(&mut connection)?;
    let is_current = schema.is_current;
    findings.push(schema.finding);
    if is_current {
        findings.push(judge_writes(&mut connection));
    }
    Ok(())
}

struct Schema {
    is_current: bool,
    finding: Finding,
}

fn judge_schema(connection: &mut SqliteConnection) -> Result<Schema, Finding> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let known = migrations::versions()
        .map_err(|error| Finding::error(SCHEMA, error.to_string(), "report this defect"))?;
    let applied: Vec<Applied> = sql_query("SELECT version FROM __diesel_schema_migrations")
        .load(connection)
        .map_err(|error| {
            let message = format!("this is not a database of this program: {error}");
            Finding::error(SCHEMA, message, "name the right directory with --data-dir")
        })?;
    let missing = known.iter().filter(|known| !applied.iter().any(|a| a.version == **known));
    let missing = missing.count();
    let finding = if missing == 0 {
        Finding::ok(SCHEMA, format!("all {} migrations are applied", known.len()))
    } else {
        Finding::ok(SCHEMA, format!("the next start will apply {missing} migrations"))
    };
    Ok(Schema { is_current: missing == 0, finding })
}

fn judge_writes(connection: &mut SqliteConnection) -> Finding {
    match connection.immediate_transaction(record_and_delete) {
        Ok(()) => Finding::ok(WRITES, "a registration can be written"),
        Err(error) => Finding::error(
            WRITES,
            format!("the database takes no writes: {error}"),
            "let the user of this process write the file and its directory, and free disk space",
        ),
    }
}
