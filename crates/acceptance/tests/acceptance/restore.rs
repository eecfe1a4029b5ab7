//! PostgreSQL is restored from a backup, while Redis and RabbitMQ know what happened since.

use acceptance::stores::postgres;
use acceptance::{Account, Journey, Setup, journeys};
use test_support::eventually;
use tokio_postgres::Client;

/// What an operator reads.
const PROCEDURE: &str = include_str!("../../../../docs/operations.md");

journeys!(distributed {
    after_a_restore_and_its_procedure_codes_are_mailed_again: Setup::own().expecting_errors(), [];
});

/// The statements of the procedure.
fn statements() -> &'static str {
    let (_, statements) = PROCEDURE.split_once("```sql\n").expect("statements in the procedure");
    statements.split_once("```").expect("their end").0
}

async fn back_up(database: &Client) {
    let copies =
        "CREATE TABLE saved_users AS TABLE users; CREATE TABLE saved_outbox AS TABLE outbox";
    database.batch_execute(copies).await.unwrap();
}

/// Restores the backup while the services are stopped, and does what else is to be done before they
/// start.
async fn restore(journey: &Journey, database: &Client, procedure: &str) {
    journey.system.api().kill();
    journey.system.worker().kill();
    let restore = "
        TRUNCATE users, outbox;
        INSERT INTO users SELECT * FROM saved_users;
        INSERT INTO outbox SELECT * FROM saved_outbox";
    database.batch_execute(restore).await.unwrap();
    database.batch_execute(&format!("BEGIN; {procedure}; COMMIT")).await.unwrap();
    journey.system.api().start().await;
    journey.system.worker().start().await;
}

async fn after_a_restore_and_its_procedure_codes_are_mailed_again(journey: &Journey) {
    let database = postgres(&journey.system).await;
    let (account, _) = journey.registered().await;
    journey.system.smtp.cut().await;
    let waiting = Account::new();
    journey.api.register(&waiting).await.expect_status(201);
    // Its event is with the broker now, and its mail is not sent.
    eventually("the outbox to be empty", async || {
        let left = database.query_one("SELECT count(*) FROM outbox", &[]).await.unwrap();
        (left.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    back_up(&database).await;
    journey.system.smtp.restore().await;
    journey.mailbox.first(&waiting.email).await;
    for mails in [2, 3] {
        journey.api.resend(&account).await.expect_status(200);
        journey.mailbox.expect(&account.email, mails).await;
    }

    restore(journey, &database, "").await;
    journey.api.resend(&account).await.expect_status(200);
    journey.everything_settled().await;
    let mails = journey.mailbox.mails(&account.email).await.len();
    assert_eq!(
        mails, 3,
        "the procedure is no longer needed: a number that runs backwards is mailed"
    );

    restore(journey, &database, statements()).await;
    journey.api.resend(&account).await.expect_status(200);
    let mail = journey.mailbox.expect(&account.email, 4).await.pop().unwrap();
    journey.api.activate(&account, &mail.code()).await.expect_status(200);
    let mail = journey.mailbox.expect(&waiting.email, 2).await.pop().unwrap();
    journey.api.activate(&waiting, &mail.code()).await.expect_status(200);
}
