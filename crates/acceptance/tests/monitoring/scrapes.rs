//! A scrape shows how things are at this moment, or says that it does not know.

use acceptance::stores::postgres;
use acceptance::{Client, Deployment, Journey, Program, Secrets, Setup, run};
use test_support::eventually;

async fn scrape(address: &str) -> String {
    Client::new(address, Secrets::default()).get("/metrics").await.expect_status(200).body.clone()
}

/// The value of a series, if it is there.
fn value<'a>(metrics: &'a str, series: &str) -> Option<&'a str> {
    let lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    lines.filter(|(name, _)| *name == series).map(|(_, value)| value).next()
}

fn is_positive(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.parse::<f64>().unwrap() > 0.0)
}

async fn wait_for(address: &str, series: &str, expected: &str) {
    eventually(&format!("{series} {expected}"), async || {
        (value(&scrape(address).await, series) == Some(expected)).then_some(())
    })
    .await;
}

/// The commit that a binary says it is built of.
async fn commit_of(name: &str) -> String {
    let printed = Program::of_product(name).arguments(["--version"]).run_to_end().await.stdout;
    let commit = printed.split_once("(commit ").and_then(|(_, rest)| rest.split_once(','));
    commit.unwrap_or_else(|| panic!("{printed}")).0.to_owned()
}

#[test]
fn a_database_that_hangs_neither_delays_the_scrape_nor_leaves_old_numbers() {
    let setup = Setup::own().expecting_errors();
    run(Deployment::Distributed, &setup, &[], a_database_that_hangs);
}

async fn a_database_that_hangs(journey: &Journey) {
    const WAITING: &str = r#"registration_outbox_events{state="waiting"}"#;
    let api = &journey.system.addresses.operator;
    wait_for(api, WAITING, "0").await;
    let servers = journey.system.servers();
    servers.postgres.stall();
    // The statement timeout is half a minute; a scrape that waited for it would time out first.
    wait_for(api, WAITING, "NaN").await;
    wait_for(api, r#"registration_dependency_up{dependency="postgres"}"#, "0").await;
    servers.postgres.restore().await;
    wait_for(api, WAITING, "0").await;
}

#[test]
fn every_counter_is_there_before_anything_happens() {
    for deployment in [Deployment::Distributed, Deployment::Standalone] {
        run(deployment, &Setup::own(), &[], every_counter_is_there);
    }
}

async fn every_counter_is_there(journey: &Journey) {
    let addresses = &journey.system.addresses;
    let [api, worker] = [&addresses.operator, &addresses.worker_operator];
    let [api, worker] = [scrape(api).await, scrape(worker).await];
    for series in [
        r#"registration_activations_total{outcome="activated"}"#,
        "registration_claims_total",
        "registration_password_hash_refusals_total",
        "registration_outbox_buried_total",
        "registration_password_hash_duration_seconds_count",
        r#"registration_rate_limit_refusals_total{policy="mails"}"#,
        r#"registration_task_panics_total{task="outbox-relay"}"#,
        r#"registration_outbox_events{state="buried"}"#,
        "registration_outbox_oldest_event_age_seconds",
        "registration_password_hash_queue_length",
    ] {
        assert_eq!(value(&api, series), Some("0"), "{series} in {api}");
    }
    for series in [
        "registration_mails_all_refused",
        "registration_log_lines_lost_total",
        r#"registration_mails_sent_total{kind="code"}"#,
        r#"registration_mail_failures_total{outcome="permanent"}"#,
    ] {
        assert_eq!(value(&worker, series), Some("0"), "{series} in {worker}");
    }
    for (metrics, service) in [(&api, journey.system.api()), (&worker, journey.system.worker())] {
        let build = format!(
            "registration_build_info{{service=\"{}\",version=\"{}\",commit=\"{}\"}}",
            service.name(),
            env!("CARGO_PKG_VERSION"),
            commit_of(&service.name()).await,
        );
        assert_eq!(value(metrics, &build), Some("1"), "{build} in {metrics}");
        assert!(is_positive(value(metrics, "process_open_fds")), "{metrics}");
        assert!(is_positive(value(metrics, "process_resident_memory_bytes")), "{metrics}");
    }
    let lines = api.lines().chain(worker.lines()).filter(|line| !line.starts_with('#'));
    let ours = ["registration_", "process_"];
    let foreign = lines
        .filter(|line| !line.is_empty())
        .find(|line| !ours.iter().any(|prefix| line.starts_with(prefix)));
    assert_eq!(foreign, None, "one prefix for all of ours");
}

#[test]
fn events_that_wait_for_a_newer_version_and_dead_letters_are_told_apart() {
    run(Deployment::Distributed, &Setup::own(), &[], events_are_told_apart);
}

async fn events_are_told_apart(journey: &Journey) {
    let system = &journey.system;
    let insert = "INSERT INTO outbox (id, type, user_id, traceparent, failed_at, failure) VALUES \
                  (gen_random_uuid(), 'user.of_the_future', gen_random_uuid(), '', NULL, NULL), \
                  (gen_random_uuid(), 'user.activated', gen_random_uuid(), '', now(), 'refused')";
    postgres(system).await.batch_execute(insert).await.unwrap();
    for state in ["unknown", "buried"] {
        let series = format!("registration_outbox_events{{state=\"{state}\"}}");
        wait_for(&system.addresses.operator, &series, "1").await;
    }
    for address in [&system.addresses.operator, &system.addresses.worker_operator] {
        let series = r#"registration_queue_messages{queue="dead"}"#;
        wait_for(address, series, "0").await;
        let idle = r#"registration_db_client_connection_count{db_client_connection_state="idle"}"#;
        assert!(is_positive(value(&scrape(address).await, idle)), "{address}");
    }
}
