//! The short form starts everything, loads it for two seconds and prints its table. It asserts no
//! speed.

use std::process::Command;

#[test]
fn the_short_form_prints_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--short", "--report"])
        .arg(folder.path())
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    for figure in
        ["start to ready: API", "registrations against the pure hash rate", "201 to mail, p99"]
    {
        assert!(table.contains(figure), "{figure} is missing in\n{table}{log}");
    }
    let report = std::fs::read_to_string(folder.path().join("report.md")).unwrap();
    assert!(report.contains(&table), "{report}");
}
