use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{CodeIssue, CodeKey, CodeKeys, CodeLength};
use registration_api::http::ApiOptions;

use crate::support::{EMAIL, PASSWORD, TestApp, World, faults, key, options, problem};

fn previous_key() -> CodeKey {
    CodeKey::from_hex("0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975").unwrap()
}

fn length(digits: u8) -> CodeLength {
    CodeLength::new(digits).unwrap()
}

/// Key and length have just been changed.
fn changed() -> ApiOptions {
    let code_keys = Arc::new(CodeKeys::new(key(), vec![previous_key()]));
    ApiOptions {
        code_keys,
        code_length: length(6),
        previous_code_lengths: vec![length(4)],
        ..options()
    }
}

/// A registration whose code was derived with this key, to so many digits.
async fn pending(app: &TestApp, key: CodeKey, digits: u8) -> CodeIssue {
    let issue = app.pending_user().await;
    let derivation = CodeKeys::new(key, Vec::new()).derivation(length(digits));
    app.world.codes.open_derived(issue, 5, Some(derivation));
    issue
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_6_3_a_guess_is_compared_with_the_recorded_derivation_only() {
    let codes = |issue| {
        let code = |key: CodeKey, digits| key.derive(issue, length(digits)).expose().to_owned();
        [code(key(), 6), code(key(), 4), code(previous_key(), 6), code(previous_key(), 4)]
    };
    for right in 0..4 {
        let app = TestApp::start_with(World::default(), changed());
        let key = if right < 2 { key() } else { previous_key() };
        let issue = pending(&app, key, if right % 2 == 0 { 6 } else { 4 }).await;
        let codes = codes(issue);
        for wrong in (0..4).filter(|code| *code != right) {
            problem(app.activate(EMAIL, PASSWORD, &codes[wrong]).await, 400, "code-invalid").await;
        }
        assert_eq!(app.activate(EMAIL, PASSWORD, &codes[right]).await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_which_nothing_is_recorded_has_the_present_key_and_length() {
    let app = TestApp::start_with(World::default(), changed());
    let issue = app.pending_user().await;
    let previous = previous_key().derive(issue, length(6));
    problem(app.activate(EMAIL, PASSWORD, previous.expose()).await, 400, "code-invalid").await;
    let code = key().derive(issue, length(6));
    assert_eq!(app.activate(EMAIL, PASSWORD, code.expose()).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_an_unknown_key_cannot_be_compared_and_costs_no_guess() {
    let app = TestApp::start();
    let issue = pending(&app, previous_key(), 4).await;
    let code = previous_key().derive(issue, length(4));
    problem(app.activate(EMAIL, PASSWORD, code.expose()).await, 503, "unavailable").await;
    assert_eq!(app.world.guesses.spent.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_lengths_in_use_are_codes() {
    let app = TestApp::start_with(World::default(), changed());
    app.pending_user().await;
    for code in ["123", "12345", "1234567", "12345678"] {
        let document =
            problem(app.activate(EMAIL, PASSWORD, code).await, 422, "validation-failed").await;
        assert_eq!(faults(&document), [("/code", "code-malformed")]);
    }
    assert_eq!(app.world.guesses.spent.load(Ordering::Relaxed), 0);
}
