//! The tables of metrics, the only place that knows them all, and what is written about them:
//! `docs/metrics.md`, the alerts, the dashboard and the instructions of each alert.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use process::metrics::{Kind, Metric, POOL, PROCESS, QUEUES};

const UPDATE: &str = "UPDATE_METRICS_DOC";

const SECTIONS: [(&str, &[&[Metric]]); 3] = [
    ("registration-api, and standalone", &[registration_api::metrics::METRICS]),
    (
        "email-worker, and standalone but for the last",
        &[email_worker::metrics::METRICS, email_worker::metrics::BROKER_METRICS],
    ),
    (
        "Every process; of the pool and the queues, registration-api and email-worker",
        &[PROCESS, POOL, QUEUES],
    ),
];

fn all() -> impl Iterator<Item = &'static Metric> {
    SECTIONS.iter().flat_map(|(_, tables)| tables.iter().copied().flatten())
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(in_project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document() -> String {
    let mut text = "# Metrics\n\n\
        `GET /metrics` of the operator's listener (`metrics.listen`) has these, and `process_*` as every client of\n\
        Prometheus has them. Names and labels follow Prometheus and OpenTelemetry. Counters, flags and histograms begin at zero\n\
        with the label values named here; a gauge that cannot be measured at the moment is `NaN`. All APIs measure one\n\
        outbox, and all processes the same queues: take the `max`. [operations.md](operations.md#alerts) has the alerts.\n\n\
        This file is made of the tables in the code: `UPDATE_METRICS_DOC=1 cargo test -p standalone --test metrics`.\n"
        .to_owned();
    for (title, tables) in SECTIONS {
        write!(text, "\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
            .unwrap();
        for Metric { name, help, kind, labels } in tables.iter().copied().flatten() {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Flag => "flag",
                Kind::Histogram(_) => "histogram",
            };
            let labels = labels.iter().map(|(label, values)| match values {
                [] => format!("`{label}`"),
                values => format!("`{label}`: {}", values.join(", ")),
            });
            let labels = labels.collect::<Vec<_>>().join("; ");
            writeln!(text, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
        }
    }
    text
}

#[test]
fn the_document_is_up_to_date() {
    let document = document();
    if std::env::var_os(UPDATE).is_some() {
        fs::write(in_project("docs/metrics.md"), &document).unwrap();
    }
    assert!(
        read("docs/metrics.md") == document,
        "docs/metrics.md is out of date: set {UPDATE}=1 and run this test again"
    );
}

#[test]
fn names_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for Metric { name, help, kind, labels } in all() {
        assert!(names.insert(*name), "{name} is described twice");
        assert!(name.starts_with("registration_"), "{name}");
        assert!(help.ends_with('.'), "{name}: {help}");
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_plain(name) && labels.iter().all(|(label, _)| is_plain(label)), "{name}");
        match kind {
            Kind::Counter => assert!(name.ends_with("_total"), "{name}"),
            Kind::Histogram(buckets) => {
                assert!(name.ends_with("_seconds") && buckets.is_sorted(), "{name}");
                let resolving = buckets.iter().filter(|bucket| (0.25..=5.0).contains(*bucket));
                assert!(resolving.count() >= 6, "{name}: from 0.25 s to 5 s it matters");
            }
            Kind::Gauge | Kind::Flag => assert!(!name.ends_with("_total"), "{name}"),
        }
    }
}

/// The names in a query or in a whole file of queries.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("registration_")).collect()
}

fn exists(name: &str) -> bool {
    all().any(|metric| match metric.kind {
        Kind::Histogram(_) => name
            .strip_prefix(metric.name)
            .is_some_and(|suffix| ["_bucket", "_count", "_sum"].contains(&suffix)),
        _ => name == metric.name,
    })
}

#[test]
fn every_query_names_a_metric_that_exists() {
    for path in [
        "deploy/grafana/dashboard.json",
        "deploy/prometheus/alerts.yaml",
        "deploy/prometheus/alerts_test.yaml",
    ] {
        let text = read(path);
        let names = metrics_in(&text);
        assert!(names.len() > 5, "{path}: {names:?}");
        let unknown: Vec<_> = names.iter().filter(|name| !exists(name)).collect();
        assert!(unknown.is_empty(), "{path} names no metrics of ours: {unknown:?}");
    }
}

#[test]
fn the_dashboard_shows_every_metric() {
    let dashboard = read("deploy/grafana/dashboard.json");
    let shown = metrics_in(&dashboard);
    let missing: Vec<_> = all()
        .map(|metric| metric.name)
        .filter(|name| !shown.iter().any(|shown| shown.starts_with(name)))
        .collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[test]
fn every_alert_says_what_to_do() {
    let (alerts, manual) = (read("deploy/prometheus/alerts.yaml"), read("docs/operations.md"));
    let alerts: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for line in ["summary: ", "description: ", "severity: "] {
            assert!(alert.contains(line), "{name} has no {line}");
        }
        let section = format!("docs/operations.md#{}", name.to_lowercase());
        assert!(alert.contains(&format!("runbook: {section}\n")), "{name} leads elsewhere");
        assert!(manual.contains(&format!("\n### {name}\n")), "{section} is missing");
    }
    let sections = manual.lines().filter_map(|line| line.strip_prefix("### Registration"));
    assert_eq!(
        sections.count(),
        read("deploy/prometheus/alerts.yaml").matches("- alert: ").count()
    );
}
