//! Debian's Prometheus, with the example configuration of `deploy/prometheus`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use test_support::{eventually, free_port};

use crate::environment::installed_program;
use crate::http::http_client;
use crate::process::{Process, Program};
use crate::system::System;

/// Prometheus, scraping a distributed system until it is dropped.
pub struct Prometheus {
    base: String,
    _process: Process,
    _directory: TempDir,
}

/// One series over time.
pub struct Series {
    /// Its labels, by their names.
    pub labels: BTreeMap<String, String>,
    /// Times in seconds since the first one that was asked for, and values; none where it had none.
    pub points: Vec<(f64, f64)>,
}

/// An alert as Prometheus knows it.
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Its whole expression.
    pub expression: String,
    /// `inactive`, `pending` or `firing`.
    pub state: String,
}

impl Prometheus {
    /// Starts it on the rules, as `edit` changes them: a test does not wait for minutes.
    pub async fn watching(system: &System, edit: impl Fn(&str) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = fs::read_to_string(deployed("prometheus/prometheus.yaml")).unwrap();
        let config = config
            .replace("15s", "500ms")
            .replace("registration-api:9464", authority(&system.addresses.operator))
            .replace("email-worker:9464", authority(&system.addresses.worker_operator));
        fs::write(directory.path().join("prometheus.yaml"), config).unwrap();
        let rules = fs::read_to_string(deployed("prometheus/alerts.yaml")).unwrap();
        fs::write(directory.path().join("alerts.yaml"), edit(&rules)).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Program::new(installed_program(&["prometheus"], "prometheus"))
            .arguments([
                format!("--config.file={}", directory.path().join("prometheus.yaml").display()),
                format!("--storage.tsdb.path={}", directory.path().join("data").display()),
                format!("--web.listen-address={address}"),
            ])
            .spawn();
        let prometheus =
            Self { base: format!("http://{address}"), _process: process, _directory: directory };
        let ready = format!("{}/-/ready", prometheus.base);
        eventually("Prometheus getting ready", async || {
            http_client().get(&ready).send().await.ok()?.status().is_success().then_some(())
        })
        .await;
        prometheus
    }

    /// The values that a query returns now.
    pub async fn query(&self, expression: &str) -> Vec<f64> {
        let answer = self.get("query", &[("query", expression)]).await;
        let series = answer["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
        series.iter().map(|series| series["value"][1].as_str().unwrap().parse().unwrap()).collect()
    }

    /// What a query would have returned in the last `seconds`, step by step.
    pub async fn range(&self, expression: &str, seconds: f64) -> Vec<Series> {
        const STEPS: f64 = 120.0;
        let now = self.query("vector(time())").await[0];
        let (start, step) = (now - seconds, (seconds / STEPS).to_string());
        let (from, to) = (start.to_string(), now.to_string());
        let parameters = [("query", expression), ("start", &from), ("end", &to), ("step", &step)];
        let answer = self.get("query_range", &parameters).await;
        let series = answer["result"].as_array().unwrap_or_else(|| panic!("{answer}"));
        series.iter().map(|series| read_series(series, start)).collect()
    }

    /// Every alert.
    pub async fn alerts(&self) -> Vec<Alert> {
        let answer = self.get("rules", &[("type", "alert")]).await;
        let groups = answer["groups"].as_array().unwrap();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
        let text = |rule: &Value, field| rule[field].as_str().unwrap().to_owned();
        let alert = |rule| Alert {
            name: text(rule, "name"),
            expression: text(rule, "query"),
            state: text(rule, "state"),
        };
        rules.map(alert).collect()
    }

    /// Waits until an alert is in that state.
    pub async fn wait_for_alert(&self, name: &str, state: &str) {
        eventually(&format!("the alert {name} to be {state}"), async || {
            let alerts = self.alerts().await;
            let alert = alerts.iter().find(|alert| alert.name == name).expect("a known alert");
            (alert.state == state).then_some(())
        })
        .await;
    }

    async fn get(&self, endpoint: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{endpoint}", self.base);
        let mut url = reqwest::Url::parse(&url).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let text = http_client().get(url).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["status"], "success", "{query:?}: {text}");
        answer["data"].clone()
    }
}

fn read_series(series: &Value, start: f64) -> Series {
    let labels = series["metric"].as_object().unwrap().iter();
    let points = series["values"].as_array().unwrap().iter().filter_map(|point| {
        let value: f64 = point[1].as_str()?.parse().ok()?;
        value.is_finite().then_some((point[0].as_f64()? - start, value))
    });
    Series {
        labels: labels
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
            .collect(),
        points: points.collect(),
    }
}

/// The path of a file in `deploy`.
pub fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file)
}

fn authority(url: &str) -> &str {
    url.trim_start_matches("http://")
}
