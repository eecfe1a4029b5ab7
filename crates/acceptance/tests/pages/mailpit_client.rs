//! The npm package `mailpit-api`, a client made for Mailpit, against the inbox.

use acceptance::{Account, Program, StandaloneCommand, installed_program};

use crate::npm_package::{install, run};

#[tokio::test]
async fn a_client_of_mailpit_works_with_the_inbox() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let accounts = [Account::new(), Account::new()];
    for account in &accounts {
        standalone.client().register(account).await.expect_status(201);
        standalone.mailbox().first(&account.email).await;
    }
    let [first, second] = &accounts;
    let code = standalone.mailbox().first(&first.email).await.code();
    let script = install("mailpit_client").await.join("journey.mjs");
    let node = Program::new(installed_program(&["node"], "nodejs"));
    let arguments =
        [script.to_str().unwrap(), &standalone.inbox, &first.email, &second.email, &code];
    run(&node.arguments(arguments)).await;
    assert!(standalone.mailbox().mails(&first.email).await.is_empty());
}
