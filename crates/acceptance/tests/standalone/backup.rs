//! `backup`: a copy of a database in use, and what a system that is restored from it does.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use acceptance::stores::{add_ballast, is_sound};
use acceptance::{Account, Finished, Program, Standalone, StandaloneCommand};
use test_support::eventually;
use tokio::task::JoinSet;

const DATABASE: &str = "registration.sqlite3";

fn backup(data: &Path, file: &Path) -> Program {
    let [data, file] = [data, file].map(|path| path.to_str().unwrap());
    Program::of_product("standalone").arguments(["--data-dir", data, "backup", file])
}

/// Registers one address after the other until it is ended.
struct Load {
    acknowledged: Arc<Mutex<Vec<Account>>>,
    is_over: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(standalone: &Standalone) -> Self {
        let (acknowledged, is_over) = (Arc::default(), Arc::default());
        let mut load = Self { acknowledged, is_over, clients: JoinSet::new() };
        for _ in 0..4 {
            let (acknowledged, is_over) = (load.acknowledged.clone(), load.is_over.clone());
            let client = standalone.client();
            load.clients.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let account = Account::new();
                    client.register(&account).await.expect_status(201);
                    acknowledged.lock().unwrap().push(account);
                }
            });
        }
        load
    }

    fn acknowledged(&self) -> Vec<Account> {
        self.acknowledged.lock().unwrap().clone()
    }

    async fn wait_for(&self, count: usize) {
        let what = format!("{count} registrations");
        eventually(&what, async || (self.acknowledged().len() >= count).then_some(())).await;
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
    }
}

/// As docs/operations.md says.
fn restore(data: &Path, file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let path = data.join(format!("{DATABASE}{suffix}"));
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::copy(file, data.join(DATABASE)).unwrap();
}

#[tokio::test]
async fn a_system_restored_from_a_backup_under_load_mails_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("backup.sqlite3"));
    let mut start = StandaloneCommand::on(&data);
    for limit in ["register_per_client", "register_per_address"] {
        start = start.with(&format!("limits.{limit}"), "off");
    }
    // Nobody takes a mail, so that all are due.
    let without_mails = start.clone().with("smtp.host", "127.0.0.1").with("smtp.port", "9");
    let standalone = without_mails.start().await;
    add_ballast(&data, 64);
    let load = Load::start(&standalone);
    load.wait_for(10).await;

    let before = load.acknowledged();
    let made = backup(&data, &file).run_to_end().await;
    let meanwhile = load.acknowledged().len() - before.len();
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    assert!(meanwhile > 0, "no registration was answered while the backup was made");
    for said in ["hashes of their passwords", "Not in it", "code.key", "tokens"] {
        assert!(made.stdout.contains(said), "{said} is not in {}", made.stdout);
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(is_sound(&file));
    assert_eq!(files_in(folder.path()), [file.clone(), data.clone()], "one file and no more");
    load.wait_for(before.len() + meanwhile + 10).await;
    load.end().await;
    // Killed, so that a log of changes is left that belongs to the database before.
    drop(standalone);

    restore(&data, &file);
    let restored = start.start().await;
    for account in &before {
        restored.mailbox().first(&account.email).await;
    }
    let last = before.last().unwrap();
    let code = restored.mailbox().first(&last.email).await.code();
    restored.client().activate(last, &code).await.expect_status(200);
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Checks the one sentence of a backup that was refused.
fn expect_refusal(refused: &Finished, words: &[&str]) {
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{}", refused.stderr);
    let sentence = &refused.stderr;
    assert_eq!(sentence.lines().count(), 1, "more than one sentence:\n{sentence}");
    for word in words {
        assert!(sentence.contains(word), "{word} is not in {sentence}");
    }
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let standalone = StandaloneCommand::on(&data).start().await;

    let existing = folder.path().join("existing");
    fs::write(&existing, "of value").unwrap();
    expect_refusal(&backup(&data, &existing).run_to_end().await, &["existing", "not overwritten"]);
    assert_eq!(fs::read_to_string(&existing).unwrap(), "of value");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    expect_refusal(&backup(&data, &link).run_to_end().await, &["link", "not overwritten"]);

    let nowhere = folder.path().join("missing/backup");
    let refused = backup(&data, &nowhere).run_to_end().await;
    expect_refusal(&refused, &["missing/backup", "name a file in a folder that exists"]);
    assert_eq!(files_in(folder.path()), [data, existing, link]);
    drop(standalone);
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _standalone = StandaloneCommand::on(&data).start().await;
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    // A disk of its own, which only this process sees.
    let script = r#"mount -t tmpfs -o size=16k tmpfs "$1" && "$2" --data-dir "$3" backup "$1/backup"
        code=$?; ls -A "$1"; exit $code"#;
    let binary = acceptance::binary("standalone");
    let words = [&disk, &binary, &data].map(|path| path.to_str().unwrap());
    let refused = Program::new("unshare")
        .arguments(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arguments(words)
        .run_to_end()
        .await;
    expect_refusal(&refused, &["disk is full", "room for a copy"]);
}
