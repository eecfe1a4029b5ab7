//! What an idle system costs and how soon it is there.

use std::time::Duration;

use crate::harness::{Account, Standalone, Start, binary};

/// From the start of the process to its first answer that it is ready.
const MOST_TIME: Duration = Duration::from_millis(100);
/// The same of a debug build, which does more for it.
const MOST_TIME_OF_DEBUG: Duration = Duration::from_millis(250);

/// Resident memory of an idle system.
const MOST_MEMORY_KIB: u64 = 25 * 1024;
/// The same of a debug build that has served somebody: the code that was run is in memory, and it has more.
const MOST_MEMORY_OF_DEBUG_KIB: u64 = 40 * 1024;

/// What a hashing thread keeps for itself from its first hash on: counted apart.
const HASH_BUFFER_KIB: u64 = 19_456;

/// Whether the binary under test is a debug build: its folder tells, this executable's own profile does not.
fn is_debug_build() -> bool {
    binary("standalone").parent().is_some_and(|folder| folder.ends_with("debug"))
}

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
    let most = if is_debug_build() { MOST_TIME_OF_DEBUG } else { MOST_TIME };
    assert!(fastest < most, "{times:?}");
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
    let most = if is_debug_build() { MOST_MEMORY_OF_DEBUG_KIB } else { MOST_MEMORY_KIB };
    assert!(used - HASH_BUFFER_KIB < most, "{used} KiB after an activation");
}

fn resident_kib(standalone: &Standalone) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", standalone.program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
