//! `docs/asyncapi.yaml`, as AsyncAPI's own parser judges it. What the code writes is compared with it
//! in `adapters/tests/cloud_events`.

use acceptance::{Program, installed_program};

use crate::npm_package::{install, run};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.yaml");

#[tokio::test]
async fn the_parser_of_asyncapi_finds_nothing_in_the_description_of_the_events() {
    let folder = install("event_description").await;
    let script = folder.join("validate.mjs");
    let parser = Program::new(installed_program(&["node"], "nodejs"))
        .arguments([script.to_str().unwrap(), DOCUMENT]);
    let report = run(&parser).await;
    assert!(report.trim_end().ends_with("operations"), "{report}");
}
