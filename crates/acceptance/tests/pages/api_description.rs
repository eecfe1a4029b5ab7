//! The OpenAPI document, under the default rules of two linters.

use std::path::Path;

use acceptance::{Program, StandaloneCommand, installed_program};
use serde_json::Value;

use crate::npm_package::{install, run};

/// One of the installed programs. Neither may ask the network for news of itself.
fn linter(folder: &Path, script: &str) -> Program {
    let quiet = [("REDOCLY_TELEMETRY", "off"), ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")];
    let script = folder.join("node_modules").join(script);
    Program::new(installed_program(&["node"], "nodejs"))
        .variables(quiet.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .arguments([script.to_str().unwrap()])
}

#[tokio::test]
async fn linters_find_nothing_in_the_description_of_the_api() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let folder = install("api_description").await;
    let document = folder.join("openapi.json");
    std::fs::write(&document, standalone.client().get("/api/v1/openapi.json").await.body).unwrap();
    let document = document.to_str().unwrap();

    let redocly =
        linter(&folder, "@redocly/cli/bin/cli.js").arguments(["lint", "--format=json", document]);
    let findings: Value = serde_json::from_str(&run(&redocly).await).unwrap();
    let none = serde_json::json!({"errors": 0, "warnings": 0, "ignored": 0});
    assert_eq!(findings["totals"], none, "{findings:#}");

    let rules = folder.join("spectral.yaml");
    let flags = ["lint", "--fail-severity=hint", "--ruleset", rules.to_str().unwrap(), document];
    run(&linter(&folder, "@stoplight/spectral-cli/dist/index.js").arguments(flags)).await;
}
