//! The npm package `mailpit-api`, a client made for Mailpit, against the inbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::{Account, Program, StandaloneCommand, installed_program, target_directory};

/// The package with its lock file, and the script that uses it.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages/mailpit_client");

/// npm may have to fetch the package, over whatever network there is.
const RUN_TIMEOUT: Duration = Duration::from_mins(5);

/// Runs a program to its end, which must be a success.
async fn run(program: &Program) {
    let finished = program.run_to_end_within(RUN_TIMEOUT).await;
    assert_eq!(finished.code, 0, "{program:?}:\n{}", finished.output());
}

/// A folder under cargo's target folder with the package in it, as its lock file says.
async fn installed() -> PathBuf {
    let folder = target_directory().join("mailpit_client");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json", "journey.mjs"] {
        std::fs::copy(Path::new(SOURCES).join(file), folder.join(file)).unwrap();
    }
    // What the machine says about registries and proxies stays in force.
    let npm = Program::new(installed_program(&["npm"], "npm")).variables(std::env::vars());
    let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run(&npm.arguments(["ci", "--prefix", folder.to_str().unwrap()]).arguments(flags)).await;
    folder
}

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
    let script = installed().await.join("journey.mjs");
    let node = Program::new(installed_program(&["node"], "nodejs"));
    let arguments = [script.to_str().unwrap(), &standalone.inbox, &first.email, &second.email, &code];
    run(&node.arguments(arguments)).await;
    assert!(standalone.mailbox().mails(&first.email).await.is_empty());
}
