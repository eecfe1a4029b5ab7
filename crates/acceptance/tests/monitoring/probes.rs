//! What `deploy/kubernetes` asks a pod is answered where it asks.

use std::fs;

use acceptance::prometheus::deployed;
use acceptance::{Client, Deployment, Journey, Secrets, Setup, run};

#[test]
fn the_probes_of_kubernetes_are_answered() {
    run(Deployment::Distributed, &Setup::own(), &[], the_probes_are_answered);
}

async fn the_probes_are_answered(journey: &Journey) {
    let addresses = &journey.system.addresses;
    for (file, operator) in
        [("api.yaml", &addresses.operator), ("worker.yaml", &addresses.worker_operator)]
    {
        let manifest = fs::read_to_string(deployed("kubernetes/base").join(file)).unwrap();
        let probes: Vec<_> = manifest.lines().filter_map(path_of_probe).collect();
        assert_eq!(probes.len(), 3, "startup, liveness and readiness in {file}");
        for path in probes {
            Client::new(operator, Secrets::default()).get(path).await.expect_status(200);
        }
    }
}

/// The path that a line of a manifest has the operator's port asked for.
fn path_of_probe(line: &str) -> Option<&str> {
    line.trim().strip_prefix("httpGet: {path: ")?.strip_suffix(", port: metrics}")
}
