//! SQLite: a fresh file a test, and what only a file has to show.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use adapters::hand_over::HandOver;
use adapters::sqlite::{
    Database, SqliteDeadLetters, SqliteOptions, SqliteOutbox, SqliteOutboxMonitor,
    SqliteSuppressions, SqliteUserRepository, open,
};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use test_support::run_again;
use tokio::time::Instant;

use crate::fixtures::{LONG_PERIOD, Location, Store, events_of, user};

pub(crate) fn options(path: &Path) -> SqliteOptions {
    SqliteOptions { path: path.to_owned(), busy_timeout: Duration::from_secs(5) }
}

fn store_on(database: Database, path: &Path, keeper: tempfile::TempDir) -> Store {
    let (hand_over, webhooks) = HandOver::with_webhook(LONG_PERIOD, vec!["user.activated"]);
    let users = Arc::new(SqliteUserRepository::new(database.clone(), hand_over.clone()));
    Store {
        users: users.clone(),
        accounts: users,
        suppressions: Arc::new(SqliteSuppressions::new(database.clone())),
        outbox: Arc::new(SqliteOutbox::new(database.clone(), hand_over)),
        monitor: Arc::new(SqliteOutboxMonitor::new(database.clone())),
        webhooks: Arc::new(SqliteOutbox::of_webhook(database.clone(), webhooks)),
        webhook_monitor: Arc::new(SqliteOutboxMonitor::of_webhook(database.clone())),
        dead_letters: Arc::new(SqliteDeadLetters::new(database)),
        location: Location::Sqlite(path.to_owned()),
        _keeper: Box::new(keeper),
    }
}

/// A fresh store for one test.
pub(crate) async fn store() -> Store {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registration.db");
    let database = open(options(&path)).await.unwrap();
    store_on(database, &path, directory)
}

async fn refusal(path: PathBuf) -> String {
    open(options(&path)).await.err().expect("the file is refused").to_string()
}

#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let _database = open(options(&directory.path().join("a.db"))).await.unwrap();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.file_name()
        );
    }
}

/// A program that reads and writes the file beside this one, a backup for example.
#[tokio::test]
async fn a_file_that_can_only_be_read_does_not_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let impatient = SqliteOptions { busy_timeout: Duration::from_millis(100), ..options(&path) };
    let store = store_on(open(impatient).await.unwrap(), &path, directory);
    let ada = store.registered("ada@example.com").await;
    let mut writer = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    store.users.ping().await.unwrap_err();
    assert!(store.users.find(ada.id()).await.unwrap().is_some());
    writer.batch_execute("ROLLBACK").unwrap();
    store.users.ping().await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_after_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let store = store_on(open(options(&path)).await.unwrap(), &path, tempfile::tempdir().unwrap());
    let user = store.registered("ada@example.com").await;
    drop(store);
    let store = store_on(open(options(&path)).await.unwrap(), &path, directory);
    assert!(store.users.find(user.id()).await.unwrap().is_some());
}

/// A program starts at once, and not only after the wait for somebody who writes.
#[tokio::test]
async fn a_database_is_opened_in_no_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    open(options(&path)).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        open(options(&path)).await.unwrap();
        times.push(start.elapsed());
    }
    // The quickest: the others may have waited for the machine.
    assert!(*times.iter().min().unwrap() < Duration::from_millis(500), "{times:?}");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_database_gets_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join("file"), "").unwrap();
    let shown = directory.display();
    let cases = [
        (
            directory.to_owned(),
            format!("the database {shown} cannot be opened: Is a directory (os error 21)"),
        ),
        (
            directory.join("missing/a.db"),
            format!(
                "the database {shown}/missing/a.db cannot be opened: No such file or directory (os error 2)"
            ),
        ),
        (
            directory.join("file/a.db"),
            format!(
                "the database {shown}/file/a.db cannot be opened: Not a directory (os error 20)"
            ),
        ),
    ];
    for (path, sentence) in cases {
        assert_eq!(refusal(path).await, sentence);
    }
}

#[tokio::test]
async fn a_damaged_file_gets_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let store = store_on(open(options(&path)).await.unwrap(), &path, tempfile::tempdir().unwrap());
    for number in 0..100 {
        store.registered(&format!("a{number}@example.com")).await;
    }
    drop(store);
    let sound = fs::read(&path).unwrap();
    let mut overwritten = sound.clone();
    overwritten[4096..12288].fill(0xa5);
    let cut = sound[..sound.len() / 2].to_vec();
    for damaged in [b"This is no database at all.".repeat(100), overwritten, cut] {
        let path = directory.path().join("damaged.db");
        fs::write(&path, damaged).unwrap();
        let sentence = refusal(path.clone()).await;
        let start = format!(
            "the database {} is damaged or is not a database of this program: ",
            path.display()
        );
        assert!(sentence.starts_with(&start) && !sentence.contains('\n'), "{sentence}");
    }
    fs::write(directory.path().join("sound.db"), sound).unwrap();
    open(options(&directory.path().join("sound.db"))).await.unwrap();
}

#[tokio::test]
async fn a_name_that_looks_like_a_uri_is_a_name() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["file:a.db?mode=memory", "a b%20c.db", "sqlite://x.db"] {
        let path = directory.path().join(name.replace('/', "_"));
        open(options(&path)).await.unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
}

#[tokio::test]
async fn all_claims_can_be_released() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let database = open(options(&path)).await.unwrap();
    let outbox = SqliteOutbox::new(database.clone(), HandOver::to_nobody());
    let store = store_on(database, &path, directory);
    let mut recorded = Vec::new();
    for name in ["ada", "bob", "carol"] {
        let mut user = user(&format!("{name}@example.com"));
        let events = events_of(&mut user);
        store.users.claim(&user, &events).await.unwrap();
        recorded.extend(events.into_iter().map(|event| event.id));
    }
    assert_eq!(store.due().await.len(), 3);
    outbox.release_all().await.unwrap();
    let again = store.due().await;
    assert_eq!(again.iter().map(|entry| entry.event.id).collect::<Vec<_>>(), recorded);
    assert!(again.iter().all(|entry| entry.attempts == 2));
}

/// The process reads the wall clock, and somebody sets it back while events wait.
#[tokio::test]
async fn no_event_waits_for_the_time_by_which_the_clock_was_set_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let store = store_on(open(options(&path)).await.unwrap(), &path, directory);
    let mut user = user("ada@example.com");
    let registered = events_of(&mut user);
    store.users.claim(&user, &registered).await.unwrap();
    let issue = user.issue();
    user.activate().unwrap();
    let activated = events_of(&mut user);
    store.users.save(&user, issue, &activated).await.unwrap();
    for (outbox, table) in [(&store.outbox, "outbox"), (&store.webhooks, "webhook_outbox")] {
        let waiting = outbox.claim(10, LONG_PERIOD).await.unwrap();
        outbox.defer(waiting[0].event.id, LONG_PERIOD / 2).await.unwrap();
        assert_eq!(outbox.claim(10, LONG_PERIOD).await.unwrap(), [], "all of them wait");
        // What an hour ahead would have been written.
        let ahead = format!("UPDATE {table} SET due_at = due_at + 3600000");
        store.location.execute(&ahead).await;
        let mut again = outbox.claim(10, LONG_PERIOD).await.unwrap();
        again.iter_mut().for_each(|entry| entry.attempts -= 1);
        assert_eq!(again, waiting);
    }
}

const CHILD: &str = "STORAGE_TEST_DATABASE";

/// Not a test by itself: what the next one kills. Registers users until then, and says when each
/// was stored.
#[tokio::test]
async fn registers_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let path = Path::new(&path);
    let store = store_on(open(options(path)).await.unwrap(), path, tempfile::tempdir().unwrap());
    for number in 0.. {
        let mut user = user(&format!("a{number}@example.com"));
        let events = events_of(&mut user);
        store.users.claim(&user, &events).await.unwrap();
        println!("\nstored {}", events[0].id.as_uuid());
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let mut child = run_again("sqlite::registers_until_it_is_killed")
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = Vec::new();
    for line in lines {
        if let Some(id) = line.strip_prefix("stored ") {
            acknowledged.push(uuid::Uuid::parse_str(id).unwrap());
        }
        if acknowledged.len() == 100 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(acknowledged.len() >= 100);
    let store = store_on(open(options(&path)).await.unwrap(), &path, directory);
    let stored: Vec<_> = store.due().await.iter().map(|entry| *entry.event.id.as_uuid()).collect();
    assert!(acknowledged.iter().all(|id| stored.contains(id)));
}
