//! The API against its own OpenAPI document: Schemathesis makes up valid and invalid requests from it and
//! checks every answer. A 5xx, a status, header or body that is not documented, a method that is answered
//! though it is not listed, a refused request that the document allows: each fails the test.
//!
//! The requests follow from a fixed seed; `OPENAPI_FUZZ_SEED` and `OPENAPI_FUZZ_EXAMPLES` ask for others and more.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod system;

use std::process::Command;

use system::{Account, System, required};

/// Requests made up for each operation.
const EXAMPLES: &str = "60";
const SEED: &str = "1";

/// Far more than a run takes; `timeout` then ends it.
const PATIENCE: &str = "600s";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_to_its_document_without_credentials() {
    let system = System::start().await;
    check(&system, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_to_its_document_while_a_code_is_under_way() {
    let system = System::start().await;
    let account = system.register().await;
    check(&system, Some(&account));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_to_its_document_for_the_owner_of_an_active_account() {
    let system = System::start().await;
    let account = system.register().await;
    system.activate(&account).await;
    check(&system, Some(&account));
}

fn check(system: &System, account: Option<&Account>) {
    let setting = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut command = Command::new("timeout");
    command
        .arg(setting("OPENAPI_FUZZ_PATIENCE", PATIENCE))
        .arg(required("TEST_SCHEMATHESIS"))
        .arg("--config-file")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi_fuzz/schemathesis.toml"))
        .args(["--no-color", "run", "--continue-on-failure", "--generation-database", "none"])
        .args(["--max-examples", &setting("OPENAPI_FUZZ_EXAMPLES", EXAMPLES)])
        .args(["--seed", &setting("OPENAPI_FUZZ_SEED", SEED)])
        // It writes caches where it runs.
        .current_dir(system.folder());
    if let Some(account) = account {
        command.args(["--auth", &format!("{}:{}", account.email, account.password)]);
    }
    let output = command
        .arg(format!("{}/api/v1/openapi.json", system.base()))
        .output()
        .expect("coreutils' timeout and Schemathesis can be run: `cargo xtask test` installs it");
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} (124: not done in time)\n{report}\n{errors}", output.status);
    assert!(report.contains("Tested: 5"), "not every operation was tried:\n{report}");
    system.assert_nothing_broke();
}
