//! What somebody sees who mistypes, or has seen enough.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use acceptance::{Program, required};
use test_servers::find_program;
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

#[tokio::test]
async fn servers_that_are_not_installed_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["setpriv", "epmd"] {
        symlink(find_program(name, &[]).unwrap(), folder.path().join(name)).unwrap();
    }
    let path = ("PATH".to_owned(), folder.path().display().to_string());
    let finished = faults("--minutes 1").variables([path]).run_to_end().await;
    assert_eq!((finished.code, finished.stdout.as_str()), (1, ""));
    let last = finished.stderr.lines().last().unwrap_or_default();
    assert!(last.contains("install the package redis-server"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_run_whose_port_another_program_takes_says_so_and_stops_what_it_has_started() {
    // A seed whose first fault leaves Redis alone.
    let run = faults("--minutes 1 --seed 20261127").spawn();
    run.stderr.line_with(" for ").await;
    let started = children(run.id());
    let redis = started.iter().copied().find(|id| name(*id) == "redis-server").unwrap();
    let port = port(redis);
    let killed = Command::new("kill").args(["-KILL", &redis.to_string()]).status().unwrap();
    assert!(killed.success());
    let _thief = eventually("the port of the dead server", async || {
        TcpListener::bind(("127.0.0.1", port)).ok()
    })
    .await;
    assert_eq!(run.wait().await.code(), Some(1));
    let said = run.stderr.whole().await;
    let expected = format!("port {port} of Redis is in use by another program");
    assert!(said.lines().last().unwrap_or_default().contains(&expected), "{said}");
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

/// The port of a Redis, which names its process after it.
fn port(redis: u32) -> u16 {
    let line = fs::read_to_string(format!("/proc/{redis}/cmdline")).unwrap();
    let digits = line.rsplit_once(':').unwrap().1.chars().take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap()
}

/// The name of a process; empty if there is none.
fn name(id: u32) -> String {
    fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default().trim().to_owned()
}
