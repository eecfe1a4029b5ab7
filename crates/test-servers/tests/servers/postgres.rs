//! A private PostgreSQL.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;
use test_servers::{Interrupt, POLL, Postgres, ServerError, Storage};

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn add(postgres: &Postgres) -> Result<String, ServerError> {
    postgres.sql(&["INSERT INTO kept (text) VALUES (repeat('x', 100000)) RETURNING id"])
}

fn count(postgres: &Postgres) -> usize {
    count_of(postgres, "kept")
}

fn count_of(postgres: &Postgres, table: &str) -> usize {
    postgres.sql(&[&format!("SELECT count(*) FROM {table}")]).unwrap().parse().unwrap()
}

fn start_again(postgres: &mut Postgres) {
    postgres.server.start_again().unwrap();
    postgres.server.wait_until_ready(&Interrupt::never()).unwrap();
}

#[test]
fn a_server_is_broken_in_many_ways_and_keeps_what_was_committed() {
    let folder = folder();
    let started = Postgres::start_on_small_disk(folder.path(), &Interrupt::never());
    let mut postgres = match started {
        Ok(postgres) => postgres,
        Err(error @ ServerError::NoDisk { .. }) if !is_root() => {
            assert!(error.to_string().contains("run this as root"), "{error}");
            let folder = self::folder();
            Postgres::start(folder.path(), Storage::Durable, &Interrupt::never()).unwrap()
        }
        Err(error) => panic!("{error}"),
    };
    postgres.server.wait_until_ready(&Interrupt::never()).unwrap();
    // Stored as it is, so that a row takes its 100 kB.
    let columns = "id serial, text text";
    postgres
        .sql(&[
            &format!("CREATE TABLE kept ({columns})"),
            "ALTER TABLE kept ALTER COLUMN text SET STORAGE EXTERNAL",
        ])
        .unwrap();

    what_was_committed_outlives_a_kill(&mut postgres);
    a_frozen_server_answers_when_it_is_thawed(&mut postgres);
    a_frozen_server_can_be_killed(&mut postgres);
    read_only_transactions_end(&postgres);
    connections_are_counted(&postgres);
    a_restart_is_clean(&mut postgres);
    if is_root() {
        a_full_disk_refuses_writes_until_it_is_freed(&mut postgres);
        a_broken_disk_refuses_writes_until_it_is_repaired(&mut postgres);
    }
    a_port_that_is_taken_is_told(&mut postgres);
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn what_was_committed_outlives_a_kill(postgres: &mut Postgres) {
    assert_eq!(postgres.sql(&["SHOW fsync"]).unwrap(), "on");
    add(postgres).unwrap();
    let pid = postgres.server.pid().unwrap();
    postgres.server.kill();
    assert!(!is_alive(pid));
    assert!(postgres.server.check().is_err() && postgres.sql(&["SELECT"]).is_err());
    let url = postgres.server.url().to_owned();
    start_again(postgres);
    assert_eq!((count(postgres), postgres.server.url()), (1, url.as_str()));
    assert!(log(postgres).contains("was not properly shut down"));
}

fn a_frozen_server_answers_when_it_is_thawed(postgres: &mut Postgres) {
    let mut session = Command::new("psql")
        .args(["--no-psqlrc", "--dbname", postgres.server.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| postgres.connections().unwrap() == 1);
    postgres.server.freeze();
    let mut states = states(postgres.server.pid().unwrap());
    // Sessions that had ended before: a frozen server does not take note of that.
    states.retain(|state| *state != 'Z');
    assert!(states.len() > 2 && states.iter().all(|state| *state == 'T'), "{states:?}");
    postgres.server.thaw();
    assert_eq!(count(postgres), 1);
    drop(session.stdin.take());
    session.wait().unwrap();
}

fn a_frozen_server_can_be_killed(postgres: &mut Postgres) {
    postgres.server.freeze();
    postgres.server.kill();
    start_again(postgres);
    postgres.server.freeze();
    postgres.server.stop();
    start_again(postgres);
    assert_eq!(count(postgres), 1);
}

fn read_only_transactions_end(postgres: &Postgres) {
    postgres.set_read_only(true).unwrap();
    let error = add(postgres).unwrap_err().to_string();
    assert!(error.contains("read-only transaction"), "{error}");
    postgres.set_read_only(false).unwrap();
    add(postgres).unwrap();
}

fn connections_are_counted(postgres: &Postgres) {
    wait_until(|| postgres.connections().unwrap() == 0);
    let before = postgres.server.usage();
    assert!(before.processes > 3 && before.descriptors > 10 && before.memory > 1_000_000);
    let mut session = Command::new("psql")
        .args(["--no-psqlrc", "--dbname", postgres.server.url()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| postgres.connections().unwrap() == 1);
    drop(session.stdin.take());
    session.wait().unwrap();
    wait_until(|| postgres.connections().unwrap() == 0);
}

fn a_restart_is_clean(postgres: &mut Postgres) {
    let before = log(postgres).matches("was not properly shut down").count();
    postgres.server.restart(&Interrupt::never()).unwrap();
    assert_eq!(log(postgres).matches("was not properly shut down").count(), before);
    assert_eq!(count(postgres), 2);
}

fn a_full_disk_refuses_writes_until_it_is_freed(postgres: &mut Postgres) {
    postgres.fill_disk().unwrap();
    let error = wait_for_error(postgres);
    assert!(error.contains("No space left on device") || error.contains("connection"), "{error}");
    postgres.fill_disk().unwrap();
    postgres.free_disk().unwrap();
    start_again(postgres);
    let kept = count(postgres);
    add(postgres).unwrap();
    assert_eq!(count(postgres), kept + 1);
}

fn a_broken_disk_refuses_writes_until_it_is_repaired(postgres: &mut Postgres) {
    add(postgres).unwrap();
    let kept = count(postgres);
    let committed = break_disk_while_others_commit(postgres);
    wait_for_error(postgres);
    postgres.repair_disk().unwrap();
    start_again(postgres);
    assert_eq!(count(postgres), kept);
    assert!(count_of(postgres, "noted") >= committed, "what was committed is there");
    add(postgres).unwrap();
    assert!(log(postgres).contains("Read-only file system"));
}

/// Breaks the disk amid commits; returns how many were acknowledged, before and after.
fn break_disk_while_others_commit(postgres: &Postgres) -> usize {
    postgres.sql(&["CREATE TABLE noted (id serial)"]).unwrap();
    let commits = "INSERT INTO noted DEFAULT VALUES RETURNING id;\n".repeat(100_000);
    let mut session = Command::new("psql")
        .args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet"])
        .args(["--set=ON_ERROR_STOP=1", "--dbname", postgres.server.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = session.stdin.take().unwrap();
    // Ends when the session does.
    let feeding = thread::spawn(move || input.write_all(commits.as_bytes()));
    let mut acknowledged = BufReader::new(session.stdout.take().unwrap()).lines();
    let first = acknowledged.by_ref().take(100).map(Result::unwrap).count();
    postgres.make_disk_read_only().unwrap();
    let last = acknowledged.map_while(Result::ok).count();
    session.wait().unwrap();
    assert!(feeding.join().unwrap().is_err(), "the disk broke in time");
    first + last
}

fn a_port_that_is_taken_is_told(postgres: &mut Postgres) {
    postgres.server.stop();
    let _other = std::net::TcpListener::bind(("127.0.0.1", postgres.server.port())).unwrap();
    let error = postgres.server.start_again().unwrap_err().to_string();
    assert!(error.contains("is in use by another program; stop that one"), "{error}");
}

/// Adds rows until that is refused. A few fit into what the server has reserved before.
fn wait_for_error(postgres: &Postgres) -> String {
    (0..100).find_map(|_| add(postgres).err()).expect("an error").to_string()
}

fn log(postgres: &Postgres) -> String {
    std::fs::read_to_string(postgres.server.log()).unwrap()
}

fn is_alive(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// The states of a process and its children.
fn states(pid: u32) -> Vec<char> {
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
    let state = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    pids.chain([pid]).map(state).collect()
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        thread::sleep(POLL);
    }
}

#[test]
fn a_standby_has_what_was_acknowledged_and_is_promoted() {
    let folder = folder();
    let at = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let never = Interrupt::never();
    let mut primary = Postgres::start(&at("first"), Storage::Durable, &never).unwrap();
    primary.server.wait_until_ready(&never).unwrap();
    let url = primary.server.url();
    let mut standby = Postgres::start_standby(&at("second"), url, None, &never).unwrap();
    standby.server.wait_until_ready(&never).unwrap();
    primary.require_standby().unwrap();
    primary.sql(&["CREATE TABLE noted (id int)", "INSERT INTO noted VALUES (1)"]).unwrap();
    primary.server.kill();
    standby.promote().unwrap();
    standby.sql(&["INSERT INTO noted VALUES (2)"]).unwrap();
    assert_eq!(standby.sql(&["SELECT count(*) FROM noted"]).unwrap(), "2");
}
