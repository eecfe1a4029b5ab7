//! Starts that cannot succeed: exit code 1 and one sentence on standard error that names the
//! culprit, at once and without a word on standard output.

use std::fs;
use std::net::TcpListener;

use acceptance::{Program, StandaloneCommand};

/// Starts it in vain. Returns the sentence.
async fn refusal(start: &StandaloneCommand) -> String {
    refusal_of(start.program()).await
}

async fn refusal_of(program: &Program) -> String {
    let refused = program.run_to_end().await;
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    let sentence = refused.stderr;
    assert_eq!(sentence.lines().count(), 1, "more than one sentence:\n{sentence}");
    assert!(sentence.starts_with("standalone: "), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");
    sentence
}

#[tokio::test]
async fn a_busy_port_is_named_with_a_way_out() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    for port in
        [start.api_port, start.inbox_port, start.smtp_port, start.metrics_port, start.product_port]
    {
        let busy = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let sentence = refusal(&start).await;
        assert!(sentence.contains(&port.to_string()), "{sentence}");
        assert!(sentence.contains("another port"), "{sentence}");
        drop(busy);
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    // Root may write everywhere, so a file stands where the directory, or its parent, should be.
    let file = tempfile::NamedTempFile::new().unwrap();
    for data in [file.path().to_owned(), file.path().join("data")] {
        let sentence = refusal(&StandaloneCommand::on(&data)).await;
        assert!(sentence.contains(data.to_str().unwrap()), "{sentence}");
        assert!(sentence.contains("--data-dir"), "{sentence}");
    }
}

#[tokio::test]
async fn a_directory_in_use_is_named() {
    let data = tempfile::tempdir().unwrap();
    let _first = StandaloneCommand::on(data.path()).start().await;
    let sentence = refusal(&StandaloneCommand::on(data.path())).await;
    assert!(
        sentence.contains("in use") && sentence.contains(data.path().to_str().unwrap()),
        "{sentence}"
    );
}

#[tokio::test]
async fn without_the_inbox_a_mail_server_has_to_be_named() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    // Were its ports opened all the same, then this would be what the sentence is about.
    let _taken = [start.inbox_port, start.smtp_port]
        .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    for start in [start.clone().flag("--no-inbox"), start.with("standalone.inbox", "false")] {
        let sentence = refusal(&start).await;
        assert!(sentence.contains("smtp.host") && sentence.contains("is missing"), "{sentence}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_named() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    drop(start.start().await);
    for entry in fs::read_dir(data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().contains("sqlite3") {
            fs::write(path, "not what SQLite writes ".repeat(1000)).unwrap();
        }
    }
    let sentence = refusal(&start).await;
    assert!(sentence.contains("registration.sqlite3"), "{sentence}");
}

#[tokio::test]
async fn a_damaged_key_is_named_and_not_shown() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("code.key"), "0123456789abcdef").unwrap();
    let sentence = refusal(&StandaloneCommand::on(data.path())).await;
    assert!(sentence.contains("code.key") && !sentence.contains("0123456789abcdef"), "{sentence}");
}

#[tokio::test]
async fn a_token_that_cannot_be_used_is_named_and_not_shown() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    for token in ["hush-hush", "hush-hush hush-hush hush-hush hush-hush", ""] {
        fs::write(data.path().join("product.token"), token).unwrap();
        let sentence = refusal(&start).await;
        assert!(sentence.contains("product.token"), "{sentence}");
        assert!(!sentence.contains("hush"), "{sentence}");
    }
    let sentence = refusal(&start.with("product.token_file", "/nowhere")).await;
    assert!(sentence.contains("product.token_file names /nowhere"), "{sentence}");
}

#[tokio::test]
async fn a_command_makes_no_database_where_there_is_none() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", data.path().to_str().unwrap(), "dead-letters", "list"];
    let sentence = refusal_of(&Program::of_product("standalone").arguments(arguments)).await;
    assert!(sentence.contains("no database") && sentence.contains("--data-dir"), "{sentence}");
    assert!(fs::read_dir(data.path()).unwrap().next().is_none());
}
