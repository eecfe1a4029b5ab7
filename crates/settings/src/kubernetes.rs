//! `deploy/kubernetes` says nothing that the services do not know.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_norway::{Deserializer, Value};

use crate::sources::READ_FROM_FILE;
use crate::{Settings, Sources};

const PREFIX: &str = "REGISTRATION__";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kubernetes").join(name)
}

/// The resources of a file of the base.
fn resources(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder("base").join(file)).unwrap();
    Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// What a pod made of the first resource of a file is like.
fn pod(file: &str) -> Value {
    resources(file)[0]["spec"]["template"]["spec"].clone()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_sequence().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

/// Lines of NAME=VALUE.
fn variables(file: PathBuf) -> HashMap<String, String> {
    let text = fs::read_to_string(file).unwrap();
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the container of a pod finds in its environment, with the settings of the example. Files of
/// secrets are left out: they exist in a cluster only.
fn environment(pod: &Value) -> HashMap<String, String> {
    let mut environment = variables(folder("base/settings.env"));
    environment.extend(variables(folder("example/settings.env")));
    for variable in pod["containers"][0]["env"].as_sequence().into_iter().flatten() {
        let value = variable["value"].as_str().unwrap_or("from a secret");
        environment.insert(variable["name"].as_str().unwrap().to_owned(), value.to_owned());
    }
    assert!(environment.keys().all(|name| name.starts_with(PREFIX)), "{environment:?}");
    environment
}

fn settings(pod: &Value) -> Settings {
    let mut environment = environment(pod);
    let secrets = pod["containers"][0]["volumeMounts"][0]["mountPath"].as_str().unwrap();
    environment.retain(|name, path| {
        let Some(name) = name.strip_suffix("_FILE") else { return true };
        let key = name.replace(PREFIX, "").replace("__", ".").to_lowercase();
        assert!(READ_FROM_FILE.contains(&key.as_str()), "{name}");
        assert!(path.starts_with(secrets), "{name} is not mounted");
        false
    });
    environment.insert(format!("{PREFIX}CODE__KEY"), "5e".repeat(32));
    let (settings, errors) = Sources::of_environment(environment).examine();
    assert!(errors.is_empty(), "{errors:?}");
    settings.unwrap()
}

/// The ports of a container, by name.
fn ports(pod: &Value) -> HashMap<&str, u64> {
    let ports = pod["containers"][0]["ports"].as_sequence().unwrap().iter();
    ports
        .map(|port| (port["name"].as_str().unwrap(), port["containerPort"].as_u64().unwrap()))
        .collect()
}

fn grace_period(pod: &Value) -> Duration {
    Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap())
}

#[test]
fn every_file_is_in_the_kustomization() {
    let kustomization = &resources("kustomization.yaml")[0];
    let mut listed = words(&kustomization["resources"]);
    listed.push("kustomization.yaml");
    listed.extend(words(&kustomization["configMapGenerator"][0]["envs"]));
    listed.sort_unstable();
    let files = fs::read_dir(folder("base")).unwrap();
    let mut files: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn every_variable_is_a_setting() {
    for file in ["api.yaml", "worker.yaml", "migration.yaml"] {
        // Refuses unknown ones.
        settings(&pod(file));
    }
}

#[test]
fn a_pod_has_time_to_drain() {
    let api = pod("api.yaml");
    let http = settings(&api).http;
    assert!(grace_period(&api) > http.shutdown_delay + http.shutdown_timeout);
    let worker = pod("worker.yaml");
    assert!(grace_period(&worker) > settings(&worker).smtp.timeout);
}

#[test]
fn ports_are_those_that_the_image_listens_on() {
    let dockerfile = fs::read_to_string(folder("../Dockerfile")).unwrap();
    let listens = |setting: &str, port: u64| {
        dockerfile.contains(&format!("ENV {PREFIX}{setting}__LISTEN=0.0.0.0:{port}\n"))
    };
    let api = pod("api.yaml");
    assert!(listens("HTTP", ports(&api)["http"]) && listens("METRICS", ports(&api)["metrics"]));
    assert!(listens("METRICS", ports(&pod("worker.yaml"))["metrics"]));
}

#[test]
fn the_memory_of_all_hashes_fits() {
    let api = pod("api.yaml");
    let settings = settings(&api);
    let limit = &api["containers"][0]["resources"]["limits"]["memory"];
    let limit: u64 = limit.as_str().unwrap().trim_end_matches("Mi").parse().unwrap();
    let hashing = settings.hashing;
    let hashes = u64::from(hashing.memory_kib.get()) * hashing.threads as u64 / 1024;
    assert!(hashes * 4 < limit, "{hashes} MiB of {limit}");
}
