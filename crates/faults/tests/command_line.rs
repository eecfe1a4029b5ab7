//! What somebody sees who mistypes, or has seen enough.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;

use acceptance::{Program, required};
use test_support::eventually;

fn faults(line: &str) -> Program {
    let binaries = ("TEST_BIN_DIR".to_owned(), required("TEST_BIN_DIR"));
    Program::of_product("faults").arguments(line.split_whitespace()).variables([binaries])
}

#[tokio::test]
async fn a_mistake_is_one_sentence() {
    for (line, part) in [
        ("--seed seven", "`seven` is not a seed"),
        ("--minutes -1", "`-1` is not a number of minutes"),
        ("--forever", "--forever is unknown"),
    ] {
        let finished = faults(line).run_to_end().await;
        assert_eq!((finished.code, finished.stdout.as_str()), (1, ""), "{line}");
        let lines: Vec<&str> = finished.stderr.lines().collect();
        assert!(matches!(lines[..], [line] if line.contains(part)), "{lines:?}");
    }
}

#[tokio::test]
async fn an_interrupted_run_says_so_and_stops_what_it_has_started() {
    let run = faults("--standalone --minutes 1").spawn();
    // Its first fault.
    run.stderr.line_with(" for ").await;
    let started = children(run.id());
    assert!(started.iter().any(|id| name(*id) == "standalone"), "{started:?}");
    run.signal("INT");
    assert_eq!(run.wait().await.code(), Some(1));
    let said = run.stderr.whole().await;
    let last = said.lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("interrupted; everything that was started is stopped"), "{said}");
    for id in started {
        eventually("the end of what it had started", async || name(id).is_empty().then_some(()))
            .await;
    }
}

/// The processes that a process has started.
fn children(id: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter(|child| parent(*child) == Some(id)).collect()
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The name of a process; empty if there is none.
fn name(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim().to_owned()
}
