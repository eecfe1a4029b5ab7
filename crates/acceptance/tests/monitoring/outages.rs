//! What is broken raises the alert that is meant for it, and the alert ends with the outage.

use acceptance::prometheus::Prometheus;
use acceptance::{Account, Deployment, Journey, Setup, run};

/// The same rules for an impatient operator.
fn impatient(rules: &str) -> String {
    let lines = rules.lines().map(|line| match line.split_once("for: ") {
        Some((indentation, _)) => format!("{indentation}for: 1s"),
        None => line.replace("_age_seconds) > 120", "_age_seconds) > 3"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn without_rabbitmq_the_outbox_alert_fires_until_it_is_back() {
    let setup = Setup::own().expecting_errors();
    run(Deployment::Distributed, &setup, &[], without_rabbitmq);
}

async fn without_rabbitmq(journey: &Journey) {
    let system = &journey.system;
    let prometheus = Prometheus::watching(system, impatient).await;
    journey.activated().await;
    prometheus.wait_for_alert("RegistrationOutboxStuck", "inactive").await;
    system.servers().rabbitmq.cut().await;
    let account = Account::new();
    journey.api.register(&account).await.expect_status(201);
    prometheus.wait_for_alert("RegistrationOutboxStuck", "firing").await;
    prometheus.wait_for_alert("RegistrationDependencyDown", "firing").await;
    // An outage of RabbitMQ says nothing about what is in its queues.
    let depths = prometheus.query("max by (queue) (registration_queue_messages)").await;
    assert!(depths.iter().all(|depth| depth.is_nan()), "{depths:?}");

    system.servers().rabbitmq.restore().await;
    journey.mailbox.first(&account.email).await;
    prometheus.wait_for_alert("RegistrationOutboxStuck", "inactive").await;
    prometheus.wait_for_alert("RegistrationDependencyDown", "inactive").await;
}
