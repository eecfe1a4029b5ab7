//! The consumers in `examples`, on a real broker: each hears of every account that is activated, also
//! of those while it was down, and of none twice.

use std::path::Path;

use acceptance::stores::{exchange_of, publish, remove_queue};
use acceptance::{Journey, Process, Program, Setup, journeys, required};
use serde_json::json;
use test_support::unique_name;

// On exchanges of their own: a broker may fail to take an event for a queue that is being deleted.
journeys!(distributed {
    the_consumer_in_rust_hears_of_every_activation: Setup::own(), [];
    the_consumer_in_python_hears_of_every_activation: Setup::own(), [];
});

async fn the_consumer_in_rust_hears_of_every_activation(journey: &Journey) {
    hears_of_every_activation(journey, Program::of_product("rust-consumer")).await;
}

async fn the_consumer_in_python_hears_of_every_activation(journey: &Journey) {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python-consumer/consumer.py");
    let python = Program::new(required("TEST_CONSUMER_PYTHON"));
    hears_of_every_activation(journey, python.arguments([script.to_str().unwrap()])).await;
}

async fn hears_of_every_activation(journey: &Journey, consumer: Program) {
    let system = &journey.system;
    let suffix = format!("product-{}", unique_name());
    let queue = format!("{}.{suffix}", exchange_of(system));
    let consumer = consumer.variables([
        ("AMQP_URL".to_owned(), required("TEST_AMQP_URL")),
        ("EXCHANGE".to_owned(), exchange_of(system).to_owned()),
        ("QUEUE".to_owned(), queue),
    ]);

    let running = start(&consumer).await;
    let first = activate(journey).await;
    running.stdout.line_with(&format!("active {first}")).await;
    running.kill();

    let meanwhile = activate(journey).await;
    let running = start(&consumer).await;
    running.stdout.line_with(&format!("active {meanwhile}")).await;

    let id = tell_of_a_deletion(journey, &first).await;
    tell_of_a_deletion_again(journey, &first, &id).await;
    running.stdout.line_with(&format!("duplicate {id}")).await;
    publish(system, "user.activated", b"{}").await;
    running.stderr.line_with("not an event").await;
    let last = activate(journey).await;
    running.stdout.line_with(&format!("active {last}")).await;
    let lines = running.stdout.lines();
    let deleted = format!("deleted {first}");
    assert_eq!(lines.iter().filter(|line| **line == deleted).count(), 1, "{lines:#?}");
    running.kill();
    remove_queue(system, &suffix).await;
}

async fn start(consumer: &Program) -> Process {
    let running = consumer.spawn();
    running.stdout.line_with("waiting for events").await;
    running
}

/// Activates an account and returns its identifier.
async fn activate(journey: &Journey) -> String {
    let account = acceptance::Account::new();
    let registered = journey.api.register(&account).await;
    let user_id = registered.expect_status(201).text("user_id");
    let code = journey.mailbox.first(&account.email).await.code();
    journey.api.activate(&account, &code).await.expect_status(200);
    user_id
}

/// Publishes an event as a deployment with names of its own writes it, and returns its identifier.
async fn tell_of_a_deletion(journey: &Journey, user_id: &str) -> String {
    let id = format!("{}-of-a-test", unique_name());
    tell_of_a_deletion_again(journey, user_id, &id).await;
    id
}

async fn tell_of_a_deletion_again(journey: &Journey, user_id: &str, id: &str) {
    let event = json!({
        "specversion": "1.0",
        "id": id,
        "source": "https://example.com/signup",
        "type": "com.example.user.deleted",
        "data": { "user_id": user_id, "of_a_newer_version": [1, 2] },
    });
    publish(&journey.system, "user.deleted", event.to_string().as_bytes()).await;
}
