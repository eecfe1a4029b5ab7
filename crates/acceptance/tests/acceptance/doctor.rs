//! `doctor` beside a running system: what it finds when all is well, and what when a server is gone;
//! and that nobody notices that it looked.

use acceptance::{Finished, Journey, Service, Setup, journeys};
use serde_json::Value;

journeys!(both {
    a_system_that_works_has_no_errors: Setup::own(), [];
    a_mail_server_that_is_away_is_an_error: Setup::own(), [];
    asvs_13_3_1_no_finding_holds_a_secret: Setup::own(), [];
});

/// Runs `doctor` with the settings of a service.
async fn doctor(service: &Service, arguments: &[&str]) -> Finished {
    let command = ["doctor"].into_iter().chain(arguments.iter().copied());
    service.program().clone().arguments(command).run_to_end().await
}

/// The findings of the document, as `check` and `status`.
fn findings(document: &Value) -> Vec<(&str, &str)> {
    let text = |finding: &'static str| move |value: &Value| value[finding].as_str().is_some();
    let findings = document["findings"].as_array().expect("findings");
    assert!(findings.iter().all(text("message")), "{document:#}");
    findings
        .iter()
        .map(|finding| {
            (finding["check"].as_str().expect("check"), finding["status"].as_str().expect("status"))
        })
        .collect()
}

/// What each part of a system is asked about, of which its own checks must not tell less.
fn expected_checks(program: &str) -> &'static [&'static str] {
    match program {
        "registration-api" => &[
            "settings",
            "postgres.connection",
            "postgres.schema",
            "postgres.writes",
            "redis.connection",
            "redis.eviction",
            "redis.writes",
            "redis.clock",
            "rabbitmq.connection",
            "rabbitmq.queues",
            "rabbitmq.permissions",
            "rabbitmq.publishing",
            "code.key",
            "http.listen",
            "metrics.listen",
            "product.listen",
            "hashing.time",
        ],
        "email-worker" => &[
            "settings",
            "postgres.writes",
            "redis.writes",
            "rabbitmq.publishing",
            "smtp.connection",
            "smtp.sender",
            "code.key",
            "mail.from",
            "metrics.listen",
        ],
        _ => &[
            "settings",
            "data.directory",
            "data.permissions",
            "data.space",
            "sqlite.integrity",
            "sqlite.schema",
            "sqlite.writes",
            "smtp.connection",
            "smtp.sender",
            "code.key",
            "http.listen",
            "metrics.listen",
            "product.listen",
            "hashing.time",
        ],
    }
}

async fn a_system_that_works_has_no_errors(journey: &Journey) {
    for service in [journey.system.api(), journey.system.worker()] {
        let finished = doctor(service, &["--json"]).await;
        let document: Value = serde_json::from_str(&finished.stdout).expect("JSON");
        let found = findings(&document);
        for check in expected_checks(&service.name()) {
            assert!(found.iter().any(|(name, _)| name == check), "{check}: {document:#}");
        }
        // Hashes are cheap and servers forgetful, so that the tests are quick.
        assert!(found.iter().all(|(_, status)| *status != "error"), "{document:#}");
        for listener in ["http.listen", "metrics.listen"] {
            let running = document["findings"].as_array().unwrap().iter();
            let running = running.filter(|finding| finding["check"] == listener);
            assert!(
                running.clone().all(|f| f["message"].as_str().unwrap().ends_with("is ready")),
                "{document:#}"
            );
        }
        assert_eq!(document["program"], service.name());
        assert_eq!((finished.code, &document["status"]), (1, &Value::from("warning")));
        assert_eq!(finished.stderr, "");
    }
    // Nothing was left behind that is in the way.
    journey.activated().await;
}

async fn a_mail_server_that_is_away_is_an_error(journey: &Journey) {
    journey.system.smtp.cut().await;
    let finished = doctor(journey.system.worker(), &[]).await;
    assert_eq!(finished.code, 2, "{}", finished.stdout);
    let line = finished.stdout.lines().find(|line| line.contains("smtp.connection"));
    let line = line.unwrap_or_else(|| panic!("{}", finished.stdout));
    assert!(line.starts_with("error") && line.contains("; check smtp.host"), "{line}");
    journey.system.smtp.restore().await;
    journey.activated().await;
}

async fn asvs_13_3_1_no_finding_holds_a_secret(journey: &Journey) {
    let secret = "hush-hush";
    let url = |scheme: &str| format!("{scheme}://me:{secret}@127.0.0.1:1/x");
    for service in [journey.system.api(), journey.system.worker()] {
        let program = service
            .program()
            .clone()
            .arguments(["doctor"])
            .setting("postgres.url", &url("postgres"))
            .setting("redis.url", &url("redis"))
            .setting("rabbitmq.url", &url("amqp"))
            .setting("telemetry.otlp_endpoint", &url("http"))
            .setting("telemetry.otlp_headers", secret)
            .setting("smtp.username", "me")
            .setting("smtp.password", secret)
            .setting("code.key", secret)
            .setting("code.previous_keys", secret);
        for arguments in [&[][..], &["--json"]] {
            let program = program.clone().arguments(arguments.iter().copied());
            let finished = program.run_to_end().await;
            assert_eq!(finished.code, 2, "{}", finished.output());
            assert!(!finished.output().contains(secret), "{}", finished.output());
            assert!(finished.stdout.contains("code.key"), "{}", finished.output());
        }
    }
}

/// Each server of a distributed system by itself.
pub(crate) mod distributed_servers {
    use super::*;

    journeys!(distributed {
        each_server_that_is_away_is_named: Setup::own().expecting_errors(), [];
    });

    async fn each_server_that_is_away_is_named(journey: &Journey) {
        let servers = journey.system.servers();
        let parts = [
            ("postgres.connection", &servers.postgres),
            ("redis.connection", &servers.redis),
            ("rabbitmq.connection", &servers.rabbitmq),
        ];
        for (check, proxy) in parts {
            proxy.cut().await;
            for service in [journey.system.api(), journey.system.worker()] {
                let finished = doctor(service, &["--json"]).await;
                let document: Value = serde_json::from_str(&finished.stdout).expect("JSON");
                let found = findings(&document);
                assert!(found.contains(&(check, "error")), "{document:#}");
                let others = parts.iter().filter(|(name, _)| *name != check);
                for (other, _) in others {
                    assert!(found.contains(&(other, "ok")), "{document:#}");
                }
                assert_eq!(finished.code, 2);
            }
            proxy.restore().await;
        }
    }
}
