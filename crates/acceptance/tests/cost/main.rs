//! What an idle standalone system costs and how soon it is ready.
//!
//! An executable of its own, because cargo runs one after the other: so no other test takes the
//! processors meanwhile. Other load on the machine is not the program's fault either: of many
//! starts the fastest counts, and besides wall-clock time the processor time, which others do not
//! change.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

use std::time::Duration;

use tokio::sync::Mutex;

use acceptance::{Account, Standalone, StandaloneCommand, binary};

/// Only one measurement runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What a system may cost at most.
struct Limits {
    /// From the start of the process to its first answer that it is ready.
    time_to_ready: Duration,
    /// The processor time that this takes.
    processor_time: Duration,
    /// Resident memory of a system that was just started.
    fresh_memory_kib: u64,
    /// Resident memory of a system that has served somebody and is idle again, without the hash
    /// buffers.
    memory_kib: u64,
}

/// What was promised, of a release build: ready in 100 ms, 25 MB.
const RELEASE: Limits = Limits {
    time_to_ready: Duration::from_millis(100),
    processor_time: Duration::from_millis(100),
    fresh_memory_kib: 25 * 1024,
    memory_kib: 25 * 1024,
};

/// A debug build does several times the work (50 ms where nothing disturbs it) and is larger: the
/// code that ran is in memory, and there is more of it (27 MB after the start, 30 MB after an
/// activation). Tests usually run on a debug build, on whatever machine; so these limits find gross
/// mistakes, and those of a release build find the rest.
const DEBUG: Limits = Limits {
    time_to_ready: Duration::from_millis(250),
    processor_time: Duration::from_millis(250),
    fresh_memory_kib: 34 * 1024,
    memory_kib: 40 * 1024,
};

/// What a hashing thread keeps for itself from its first hash on: counted apart.
const HASH_BUFFER_KIB: u64 = 19_456;

/// Starts until one is within the limits.
const MAX_STARTS: usize = 20;

/// The limits of the binary under test: its folder tells, this executable's own profile does not.
fn limits() -> Limits {
    let is_debug_build =
        binary("standalone").parent().is_some_and(|folder| folder.ends_with("debug"));
    if is_debug_build { DEBUG } else { RELEASE }
}

#[tokio::test]
async fn a_start_takes_moments() {
    let _alone = ALONE.lock().await;
    let most = limits();
    let mut measured = Vec::new();
    for _ in 0..MAX_STARTS {
        let parent = tempfile::tempdir().unwrap();
        let standalone = StandaloneCommand::on(&parent.path().join("data")).start().await;
        let (wall, processor) = (standalone.time_to_ready, standalone.process.processor_time());
        measured.push((wall, processor));
        if wall < most.time_to_ready && processor < most.processor_time {
            println!("start to ready, and processor time: {measured:?}");
            return;
        }
    }
    panic!("not one start in time: {measured:?}");
}

#[tokio::test]
async fn an_idle_system_is_small() {
    let _alone = ALONE.lock().await;
    let most = limits();
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).with("hashing.threads", "1").start().await;
    let fresh = resident_kib(&standalone);
    let account = Account::new();
    standalone.client().register(&account).await.expect_status(201);
    let code = standalone.mailbox().first(&account.email).await.code();
    standalone.client().activate(&account, &code).await.expect_status(200);
    let used = resident_kib(&standalone);
    println!(
        "resident: {fresh} KiB after the start, {used} KiB after an activation with one hash buffer"
    );
    assert!(fresh < most.fresh_memory_kib, "{fresh} KiB after the start");
    assert!(used > HASH_BUFFER_KIB, "the buffer is kept, so it may be subtracted: {used} KiB");
    assert!(used - HASH_BUFFER_KIB < most.memory_kib, "{used} KiB after an activation");
}

fn resident_kib(standalone: &Standalone) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", standalone.process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
