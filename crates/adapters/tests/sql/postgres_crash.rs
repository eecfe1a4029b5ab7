//! A PostgreSQL that is killed: what was acknowledged is there afterwards, and a deletion from the
//! outbox, which does not wait for the disk, is at most undone.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use adapters::postgres::migrate;
use domain::{EventId, UserStatus};
use test_servers::{Interrupt, Postgres, Storage};

use crate::fixtures::{LONG_PERIOD, Store, events_of, user};
use crate::postgres::{options, store_on};

/// The processes of the server that would write its log to the disk a moment later.
const WRITERS: &str = "SELECT pid FROM pg_stat_activity
    WHERE backend_type IN ('walwriter', 'background writer', 'checkpointer')";

/// Registers somebody, and returns what the relay would have to publish.
async fn register(store: &Store, address: &str) -> EventId {
    let mut ada = user(address);
    let events = events_of(&mut ada);
    store.users.claim(&ada, &events).await.unwrap();
    store.users.hold_address(ada.issue(), LONG_PERIOD).await.unwrap();
    events[0].id
}

/// The events that are due, in the order of their identifiers.
async fn due(store: &Store) -> Vec<EventId> {
    let mut due: Vec<_> = store.due().await.into_iter().map(|entry| entry.event.id).collect();
    due.sort_unstable_by_key(|id| *id.as_uuid());
    due
}

fn stop_writing(postgres: &Postgres) {
    for writer in postgres.sql(&[WRITERS]).unwrap().lines() {
        let stopped = Command::new("kill").args(["-STOP", writer]).status().unwrap();
        assert!(stopped.success(), "{writer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_forgets_at_most_that_events_were_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = start(folder.path());
    let url = postgres.server.url().to_owned();
    migrate(&options(&url)).await.unwrap();
    let store = store_on(&options(&url), ());
    let events =
        [register(&store, "ada@example.com").await, register(&store, "bob@example.com").await];
    stop_writing(&postgres);
    store.outbox.delete(&events[..1]).await.unwrap();
    store.outbox.delete(&events[1..]).await.unwrap();
    assert_eq!(due(&store).await, [], "the deletions can be seen");

    postgres.server.kill();
    postgres.server.restart(&Interrupt::never()).unwrap();
    let store = store_on(&options(&url), ());
    assert_eq!(due(&store).await, events, "each would be published once more, under its own id");
    for address in ["ada@example.com", "bob@example.com"] {
        let found = store.users.find_by_email(user(address).email()).await.unwrap().unwrap();
        assert_eq!(found.status(), UserStatus::Pending { code_mailed: true }, "{address}");
    }
}

/// A server that waits for its disk at every commit.
fn start(folder: &Path) -> Postgres {
    // PostgreSQL runs as another user where root runs us.
    set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let mut postgres = Postgres::start(folder, Storage::Durable, &Interrupt::never()).unwrap();
    postgres.server.wait_until_ready(&Interrupt::never()).unwrap();
    postgres
}
