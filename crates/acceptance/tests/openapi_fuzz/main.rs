//! The API against its own OpenAPI document: Schemathesis generates valid and invalid requests from
//! it and checks every answer. A 5xx, a status, header or body that is not documented, a method
//! that is answered though it is not listed, a refused request that the document allows: each fails
//! the test.
//!
//! The requests follow from a fixed seed; `OPENAPI_FUZZ_SEED` and `OPENAPI_FUZZ_EXAMPLES` ask for
//! others and more.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use acceptance::{Account, Deployment, Journey, PRODUCT_TOKEN, Program, Setup, required, run};

/// Requests generated for each operation.
const EXAMPLES: u32 = 60;
const SEED: u32 = 1;

/// Far more than a run takes, for each example.
const EXAMPLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Off: what a schema cannot say about passwords.
fn setup() -> Setup {
    Setup::own().with("password.refuse_common", "false").with("password.breach_check", "false")
}

#[test]
fn the_api_keeps_to_its_document_without_credentials() {
    run(Deployment::Standalone, &setup(), &[], async |journey| check(journey, None).await);
}

#[test]
fn the_api_keeps_to_its_document_while_a_code_is_under_way() {
    run(Deployment::Standalone, &setup(), &[], async |journey| {
        let (account, _) = journey.registered().await;
        check(journey, Some(&account)).await;
    });
}

#[test]
fn the_api_keeps_to_its_document_for_the_owner_of_an_active_account() {
    run(Deployment::Standalone, &setup(), &[], async |journey| {
        let account = journey.activated().await;
        check(journey, Some(&account)).await;
    });
}

#[test]
fn the_product_is_answered_as_its_document_says() {
    run(Deployment::Standalone, &setup(), &[], async |journey| {
        journey.activated().await;
        let document = format!("{}/v1/openapi.json", journey.system.addresses.product);
        let token = format!("Authorization: Bearer {PRODUCT_TOKEN}");
        try_out(journey, &document, &["--header", &token], 5).await;
    });
}

async fn check(journey: &Journey, account: Option<&Account>) {
    let document = format!("{}/api/v1/openapi.json", journey.system.addresses.api);
    let credentials = account.map(|account| format!("{}:{}", account.email, account.password));
    let arguments = credentials.as_deref().map(|credentials| ["--auth", credentials]);
    try_out(journey, &document, arguments.as_slice().concat().as_slice(), 6).await;
}

/// Runs Schemathesis on a document of so many operations.
async fn try_out(journey: &Journey, document: &str, credentials: &[&str], operations: usize) {
    let examples = number("OPENAPI_FUZZ_EXAMPLES", EXAMPLES);
    let caches = tempfile::tempdir().unwrap();
    let schemathesis = Program::new(required("TEST_SCHEMATHESIS"))
        .variables(std::env::vars())
        .working_directory(caches.path())
        .arguments([
            "--config-file",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi_fuzz/schemathesis.toml"),
        ])
        .arguments(["--no-color", "run", "--continue-on-failure", "--generation-database", "none"])
        .arguments(["--max-examples", &examples.to_string()])
        .arguments(["--seed", &number("OPENAPI_FUZZ_SEED", SEED).to_string()])
        .arguments(credentials.iter().copied());
    let report =
        schemathesis.arguments([document]).run_to_end_within(EXAMPLE_TIMEOUT * examples).await;
    assert_eq!(report.code, 0, "{}", report.output());
    assert!(
        report.stdout.contains(&format!("Tested: {operations}")),
        "not every operation was tried:\n{}",
        report.stdout
    );
    assert_nothing_broke(journey);
}

/// Fails if the log reports something that no client should be able to cause.
fn assert_nothing_broke(journey: &Journey) {
    let log = journey.system.api().logs().lines();
    let broke =
        log.iter().find(|line| line.contains("panicked") || line.contains("internal_error"));
    assert_eq!(broke, None);
}

fn number(variable: &str, default: u32) -> u32 {
    match std::env::var(variable) {
        Ok(text) => {
            text.parse().unwrap_or_else(|error| panic!("{variable} is not a number: {error}"))
        }
        Err(_) => default,
    }
}
