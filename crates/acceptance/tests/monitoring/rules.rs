//! The rules as Prometheus' own tool judges them.

use acceptance::prometheus::deployed;
use acceptance::{Program, installed_program, runtime};

fn promtool(arguments: &[&str]) {
    let program = Program::new(installed_program(&["promtool"], "prometheus"))
        .arguments(arguments.iter().copied())
        .working_directory(deployed("prometheus"));
    let finished = runtime().block_on(program.run_to_end());
    assert_eq!(finished.code, 0, "promtool {arguments:?}: {}", finished.output());
}

#[test]
fn the_rules_and_the_example_configuration_are_valid() {
    promtool(&["check", "rules", "--lint-fatal", "alerts.yaml"]);
    promtool(&["check", "config", "--lint-fatal", "prometheus.yaml"]);
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    promtool(&["test", "rules", "alerts_test.yaml"]);
}
