//! What an idle system costs and how soon it is there.

use std::time::Duration;

use crate::harness::{Account, Standalone, Start};

/// A debug build does more for the same, and gets more time.
const MOST_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 100 });
/// Of a system that has done nothing yet.
const MOST_MEMORY_KIB: u64 = 25 * 1024;
/// Of one that has: every page of the code that was run is in memory, and a debug build has more of them.
const MOST_MEMORY_USED_KIB: u64 = 1024 * if cfg!(debug_assertions) { 40 } else { 25 };

/// What a hashing thread keeps for itself from its first hash on: counted apart.
const HASH_BUFFER_KIB: u64 = 19_456;

#[tokio::test]
async fn a_start_takes_moments() {
    let mut times = Vec::new();
    for _ in 0..8 {
        let parent = tempfile::tempdir().unwrap();
        times.push(Start::on(&parent.path().join("data")).ready().await.time_to_ready);
    }
    // The fastest: what else the machine does is not the program's doing.
    let fastest = *times.iter().min().unwrap();
    println!("first start to ready: fastest {fastest:?} of {times:?}");
    assert!(fastest < MOST_TIME, "{times:?}");
}

#[tokio::test]
async fn an_idle_system_is_small() {
    let data = tempfile::tempdir().unwrap();
    let standalone = Start::on(data.path()).with("hashing.threads", "1").ready().await;
    let fresh = resident_kib(&standalone);
    let account = Account::new();
    standalone.client().register(&account).await.expect_status(201);
    let code = standalone.mailbox().first(&account.email).await.code();
    standalone.client().activate(&account, &code).await.expect_status(200);
    let used = resident_kib(&standalone);
    println!("resident: {fresh} KiB after the start, {used} KiB after an activation with one hash buffer");
    assert!(fresh < MOST_MEMORY_KIB, "{fresh} KiB after the start");
    assert!(used > HASH_BUFFER_KIB, "the buffer is kept, so it may be subtracted: {used} KiB");
    assert!(used - HASH_BUFFER_KIB < MOST_MEMORY_USED_KIB, "{used} KiB after an activation");
}

fn resident_kib(standalone: &Standalone) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", standalone.program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
