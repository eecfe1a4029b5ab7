//! Every operation and every status that the API documents is seen by some black-box test.
//!
//! Each test names what it covers where it is declared, and fails when it did not see it; so this
//! comparison holds whichever tests were selected to run.

use std::collections::BTreeSet;

use crate::{
    activation, admission, bad_input, code_keys, crashes, dead_letters, doctor, event_consumers,
    expiry, limits, mail_server_faults, mails, operator, pages,
};
use crate::{problems, product, races, restore, secrets, server_faults, unicode, webhooks};
use crate::{security_canary, security_guesses, security_http, security_limits};
use crate::{
    security_mail, security_mail_floods, security_passwords, security_retention, security_sameness,
    security_sequences,
};
use acceptance::{Coverage, Journey, Setup, journeys};

journeys!(both {
    every_documented_answer_is_tested: Setup::ordinary(), [];
});

const TESTS: [Coverage; 40] = [
    COVERAGE,
    activation::COVERAGE,
    admission::COVERAGE,
    bad_input::COVERAGE,
    code_keys::COVERAGE,
    crashes::COVERAGE,
    dead_letters::COVERAGE,
    dead_letters::in_the_outbox::COVERAGE,
    doctor::COVERAGE,
    doctor::distributed_servers::COVERAGE,
    event_consumers::COVERAGE,
    expiry::COVERAGE,
    limits::COVERAGE,
    mail_server_faults::COVERAGE,
    mails::COVERAGE,
    operator::COVERAGE,
    pages::COVERAGE,
    problems::COVERAGE,
    product::COVERAGE,
    product::in_conceal_mode::COVERAGE,
    races::COVERAGE,
    restore::COVERAGE,
    secrets::COVERAGE,
    security_canary::COVERAGE,
    security_canary::in_one_process::COVERAGE,
    security_guesses::COVERAGE,
    security_http::COVERAGE,
    security_http::inbox::COVERAGE,
    security_limits::COVERAGE,
    security_limits::without_redis::COVERAGE,
    security_mail::COVERAGE,
    security_mail_floods::COVERAGE,
    security_passwords::COVERAGE,
    security_retention::COVERAGE,
    security_sameness::COVERAGE,
    security_sequences::COVERAGE,
    security_sequences::without_redis::COVERAGE,
    server_faults::COVERAGE,
    unicode::COVERAGE,
    webhooks::COVERAGE,
];

async fn every_documented_answer_is_tested(journey: &Journey) {
    let description = journey.api.get("/api/v1/openapi.json").await.json();
    let mut documented = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            // A 500 is a defect that nobody knows of yet: no request can be named that provokes
            // one.
            for status in responses.keys().filter(|status| *status != "500") {
                documented.insert(format!("{} {path} {status}", method.to_uppercase()));
            }
        }
    }
    assert!(documented.len() > 20, "{documented:#?}");
    let covered: BTreeSet<String> = TESTS
        .iter()
        .flat_map(|tests| tests.iter())
        .flat_map(|(_, claims)| claims.iter().map(|claim| (*claim).to_owned()))
        .collect();
    let untested: Vec<&String> = documented.difference(&covered).collect();
    assert!(untested.is_empty(), "documented, but seen by no black-box test: {untested:#?}");
    let undocumented: Vec<&String> = covered.difference(&documented).collect();
    assert!(undocumented.is_empty(), "answered, but not documented: {undocumented:#?}");
}
