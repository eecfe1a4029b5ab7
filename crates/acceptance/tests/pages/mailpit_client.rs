//! The npm package `mailpit-api`, a client made for Mailpit, against the inbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::browser::program;
use acceptance::{Account, Program, Start, binary};

/// The package with its lock file, and the script that uses it.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pages/mailpit_client");

/// npm may have to fetch the package, over whatever network there is.
const PATIENCE: Duration = Duration::from_mins(5);

/// Runs a program to its end, which must be a good one.
async fn run(program: &Path, arguments: &[&str], environment: &[(String, String)]) {
    let running = Program::start(program, arguments, environment);
    let status = running.ended_within(PATIENCE).await;
    let (stdout, stderr) = (running.stdout.whole().await, running.stderr.whole().await);
    assert!(status.success(), "{} {arguments:?}: {status}\n{stdout}\n{stderr}", program.display());
}

/// A folder under cargo's target folder with the package in it, as its lock file says.
async fn installed() -> PathBuf {
    let target = binary("standalone").parent().and_then(Path::parent).unwrap().to_owned();
    let folder = target.join("mailpit_client");
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json", "journey.mjs"] {
        std::fs::copy(Path::new(SOURCES).join(file), folder.join(file)).unwrap();
    }
    let npm = program(&["npm"], "npm");
    let prefix = folder.to_str().unwrap();
    // What the machine says about registries and proxies stays in force.
    let environment: Vec<_> = std::env::vars().collect();
    let arguments =
        ["ci", "--prefix", prefix, "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    run(&npm, &arguments, &environment).await;
    folder
}

#[tokio::test]
async fn a_client_of_mailpit_works_with_the_inbox() {
    let data = tempfile::tempdir().unwrap();
    let standalone = Start::on(data.path()).ready().await;
    let accounts = [Account::new(), Account::new()];
    for account in &accounts {
        standalone.client().register(account).await.expect_status(201);
        standalone.mailbox().first(&account.email).await;
    }
    let [first, second] = &accounts;
    let code = standalone.mailbox().first(&first.email).await.code();
    let script = installed().await.join("journey.mjs");
    let arguments = [script.to_str().unwrap(), &standalone.inbox, &first.email, &second.email, &code];
    run(&program(&["node"], "nodejs"), &arguments, &[]).await;
    assert!(standalone.mailbox().mails(&first.email).await.is_empty());
}
