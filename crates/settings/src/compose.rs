//! compose.yaml and what its profile `observability` mounts say nothing that the services do not know.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_norway::Value;

use crate::{Settings, Sources};

const PROFILE: &str = "observability";

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    let mut document: Value = serde_norway::from_str(&text(path)).unwrap();
    // Merges one level at a time: what is merged may have been merged itself.
    (0..3).for_each(|_| document.apply_merge().unwrap());
    document
}

/// Lines of NAME=VALUE, without comments.
fn variables(path: &str) -> HashMap<String, String> {
    let text = text(path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The settings of `docker compose --env-file deploy/observability.env up`.
fn settings() -> Settings {
    let mut variables = variables("deploy/observability.env");
    assert_eq!(variables.remove("COMPOSE_PROFILES").as_deref(), Some(PROFILE));
    let (settings, errors) = Sources::of_environment(variables).examine();
    assert!(errors.is_empty(), "{errors:?}");
    settings.unwrap()
}

/// The services that only the profile starts.
fn viewers() -> HashMap<String, Value> {
    let compose = yaml("compose.yaml");
    let services = compose["services"].as_mapping().unwrap().clone();
    let has_profile = |service: &Value| words(&service["profiles"]) == [PROFILE];
    let viewers = services.into_iter().filter(|(_, service)| has_profile(service));
    viewers.map(|(name, service)| (name.as_str().unwrap().to_owned(), service)).collect()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_sequence().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The host and the port of a URL.
fn host(url: &str) -> (&str, u16) {
    let (host, port) = url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    (host, port.parse().unwrap())
}

#[test]
fn the_services_are_given_what_the_profile_sets() {
    let compose = yaml("compose.yaml");
    for service in ["registration-api", "email-worker"] {
        let environment = &compose["services"][service]["environment"];
        for name in variables("deploy/observability.env").keys().filter(|n| n.contains("__")) {
            assert_eq!(
                environment[name.as_str()],
                Value::from(format!("${{{name}:-}}")),
                "{service}"
            );
        }
    }
    let settings = settings();
    let (host, _) = host(&settings.telemetry.otlp_endpoint);
    assert!(viewers().contains_key(host), "{host}");
    assert!(settings.metrics.listen.unwrap().ip().is_unspecified());
}

#[test]
fn prometheus_scrapes_every_service_where_it_listens() {
    let port = settings().metrics.listen.unwrap().port();
    let configuration = yaml("deploy/prometheus/prometheus.yaml");
    let jobs = configuration["scrape_configs"].as_sequence().unwrap();
    let scraped: Vec<_> = jobs
        .iter()
        .map(|job| {
            let name = job["job_name"].as_str().unwrap();
            assert_eq!(words(&job["static_configs"][0]["targets"]), [format!("{name}:{port}")]);
            name
        })
        .collect();
    assert_eq!(scraped, ["registration-api", "email-worker"]);
    let command = &viewers()["prometheus"]["command"];
    assert!(words(command).contains(&"--config.file=/etc/prometheus/prometheus.yaml"));
}

#[test]
fn grafana_finds_its_sources_and_shows_the_dashboard() {
    let viewers = viewers();
    let provisioned = yaml("deploy/grafana/provisioning/datasources/registration.yaml");
    let sources = provisioned["datasources"].as_sequence().unwrap();
    for (source, (kind, port)) in sources.iter().zip([("prometheus", 9090), ("jaeger", 16686)]) {
        assert_eq!((&source["type"], &source["uid"]), (&kind.into(), &kind.into()));
        let url = source["url"].as_str().unwrap();
        assert_eq!(host(url), (kind, port));
        assert!(viewers.contains_key(kind), "{kind}");
    }
    assert_eq!(sources[0]["isDefault"], Value::from(true));
    // The dashboard asks the default source of this type, whatever its name.
    let dashboard: Value = serde_norway::from_str(&text("deploy/grafana/dashboard.json")).unwrap();
    let variable = &dashboard["templating"]["list"][0];
    assert_eq!(
        (&variable["type"], &variable["query"]),
        (&"datasource".into(), &"prometheus".into())
    );
    for panel in dashboard["panels"].as_sequence().unwrap().iter().filter(|p| p["type"] != "row") {
        let name = format!("${{{}}}", variable["name"].as_str().unwrap());
        assert_eq!(
            panel["datasource"]["uid"],
            Value::from(name),
            "{}",
            panel["title"].as_str().unwrap()
        );
    }
    let provider = yaml("deploy/grafana/provisioning/dashboards/registration.yaml");
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    let mounted = format!("./deploy/grafana/dashboard.json:{folder}/dashboard.json:ro");
    let grafana = &viewers["grafana"];
    assert!(words(&grafana["volumes"]).contains(&mounted.as_str()));
    let home = &grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
    assert_eq!(*home, Value::from(format!("{folder}/dashboard.json")));
}

#[test]
fn viewers_are_confined_and_listen_on_loopback() {
    let viewers = viewers();
    assert_eq!(viewers.len(), 3);
    for (name, service) in viewers {
        let (_, version) = service["image"].as_str().unwrap().split_once(':').unwrap();
        assert_eq!(version.split('.').count(), 3, "{name}: {version}");
        assert_eq!(service["read_only"], Value::from(true), "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(words(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        let user = service["user"].as_str().unwrap();
        assert!(!user.starts_with('0') && user != "root", "{name}: {user}");
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(limits["memory"].is_string() && limits["pids"].is_u64(), "{name}");
        for port in words(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
        for mount in words(&service["volumes"]).iter().filter(|mount| mount.starts_with("./")) {
            assert!(mount.ends_with(":ro"), "{name}: {mount}");
        }
    }
}
