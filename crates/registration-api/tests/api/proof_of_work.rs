use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use registration_api::http::{ApiOptions, ProofOfWorkOptions};
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{EMAIL, PASSWORD, TestApp, World, faults, options, problem};

fn with_proof_of_work() -> TestApp {
    let difficulty = NonZeroU32::new(100).unwrap();
    let proof_of_work = Some(ProofOfWorkOptions { difficulty, expiry: Duration::from_mins(10) });
    TestApp::start_with(World::default(), ApiOptions { proof_of_work, ..options() })
}

async fn challenge(app: &TestApp) -> Value {
    let response = app.get("/api/v1/users/challenge").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.unwrap()
}

/// As any client does it.
fn solve(challenge: &Value) -> Value {
    let salt = challenge["salt"].as_str().unwrap();
    let most = challenge["maxnumber"].as_u64().unwrap();
    let is_solution = |number: &u64| {
        let digest: Vec<String> = Sha256::digest(format!("{salt}{number}"))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        challenge["challenge"] == digest.concat()
    };
    let number = (0..=most).find(is_solution).unwrap();
    let mut solution = challenge.clone();
    solution.as_object_mut().unwrap().remove("maxnumber");
    solution["number"] = number.into();
    solution
}

fn encode(solution: &Value) -> Value {
    BASE64_STANDARD.encode(solution.to_string()).into()
}

async fn register(app: &TestApp, proof_of_work: &Value) -> Response {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "proof_of_work": proof_of_work });
    app.post("/api/v1/users/register").json(&body).send().await.unwrap()
}

async fn refusal(app: &TestApp, proof_of_work: &Value) -> String {
    let document = problem(register(app, proof_of_work).await, 422, "validation-failed").await;
    let faults = faults(&document);
    let [("/proof_of_work", code)] = faults[..] else { panic!("{document:#}") };
    code.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solved_challenge_is_accepted_once() {
    let app = with_proof_of_work();
    let solution = encode(&solve(&challenge(&app).await));
    assert_eq!(register(&app, &solution).await.status(), 201);
    assert_eq!(refusal(&app, &solution).await, "proof-of-work-used");
    let another = encode(&solve(&challenge(&app).await));
    problem(register(&app, &another).await, 409, "email-taken").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_without_the_work_nothing_is_spent() {
    let app = with_proof_of_work();
    let solution = solve(&challenge(&app).await);
    let change = |field: &str, value: Value| {
        let mut changed = solution.clone();
        changed[field] = value;
        encode(&changed)
    };
    for wrong in [
        json!(""),
        json!("no Base64!"),
        json!(BASE64_STANDARD.encode("no JSON")),
        encode(&json!({})),
        change("number", json!(-1)),
        change("number", json!(1_000_000)),
        change("algorithm", json!("MD5")),
        change("signature", json!("00")),
        change("salt", json!("01890a5d-ac96-774b-bcce-b302099a8057?expires=99999999999&")),
    ] {
        assert_eq!(refusal(&app, &wrong).await, "proof-of-work-wrong", "{wrong}");
    }
    assert_eq!(refusal(&app, &Value::Null).await, "wrong-type");
    let document = problem(app.register(EMAIL, PASSWORD).await, 422, "validation-failed").await;
    assert_eq!(faults(&document), [("/proof_of_work", "missing")]);
    assert_eq!(app.world.hasher.hashes.load(Ordering::Relaxed), 0);
    // And the right one is still good.
    assert_eq!(register(&app, &encode(&solution)).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_work_is_asked_for_there_is_no_challenge() {
    let app = TestApp::start();
    problem(app.get("/api/v1/users/challenge").await, 404, "not-found").await;
    assert_eq!(register(&app, &json!("whatever")).await.status(), 201);
}
