//! What a first start makes, what the next one finds, and what the program says of itself.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use acceptance::{Account, Program, StandaloneCommand, http_client};
use test_support::free_port;

#[tokio::test]
async fn the_first_start_says_where_everything_is_and_keeps_it_private() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let start = StandaloneCommand::on(&data);
    let standalone = start.start().await;
    let greeting = standalone.process.stdout.text();
    let expected = [
        format!("http://localhost:{}", start.api_port),
        format!("http://localhost:{}", start.inbox_port),
        start.smtp_port.to_string(),
        data.display().to_string(),
        "curl".to_owned(),
    ];
    for helpful in expected {
        assert!(greeting.contains(&helpful), "{helpful} is not in\n{greeting}");
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "others may read {}", path.display());
    }
}

#[tokio::test]
async fn the_next_start_continues_with_the_same_key_and_users() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let start = StandaloneCommand::on(&data);
    let account = Account::new();
    let first = start.start().await;
    first.client().register(&account).await.expect_status(201);
    let code = first.mailbox().first(&account.email).await.code();
    first.client().activate(&account, &code).await.expect_status(200);
    let key = fs::read(data.join("code.key")).unwrap();
    drop(first);

    let second = start.start().await;
    assert_eq!(fs::read(data.join("code.key")).unwrap(), key);
    second.client().register(&account).await.expect_problem(409, "email-taken");
    second.client().activate(&account, &code).await.expect_problem(409, "already-active");
}

#[tokio::test]
async fn the_product_asks_with_the_token_of_the_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    let ask = async |token: &str| {
        let url = format!("http://127.0.0.1:{}/v1/users?email=a@example.com", start.product_port);
        let answer = http_client().get(url).bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    let first = start.start().await;
    let file = data.path().join("product.token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap();
    assert_eq!((ask(token.trim()).await, ask(&"0".repeat(64)).await), (404, 401));
    drop(first);

    let _second = start.start().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    assert_eq!(ask(token.trim()).await, 404);
}

#[tokio::test]
async fn the_product_s_listener_can_be_off() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    let standalone = start.clone().with("product.listen", "off").start().await;
    assert!(!data.path().join("product.token").exists(), "nobody needs it");
    assert!(!standalone.process.stdout.text().contains("Users"));
    let attempt = tokio::net::TcpStream::connect(("127.0.0.1", start.product_port)).await;
    assert!(attempt.is_err(), "something listens");
}

#[tokio::test]
async fn the_inbox_is_off_where_another_mail_server_is_set() {
    let data = tempfile::tempdir().unwrap();
    let start =
        StandaloneCommand::on(data.path()).with("smtp.host", "127.0.0.1").with("smtp.port", "9");
    let standalone = start.start().await;
    for port in [start.inbox_port, start.smtp_port] {
        let attempt = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        assert!(attempt.is_err(), "something listens on {port}");
    }
    let greeting = standalone.process.stdout.line_with("Mails").await;
    assert!(greeting.contains("smtp.host"), "{greeting}");
    assert!(!standalone.process.stdout.text().contains("Inbox"));
}

#[tokio::test]
async fn without_the_inbox_none_of_its_ports_is_opened() {
    let data = tempfile::tempdir().unwrap();
    let start =
        StandaloneCommand::on(data.path()).with("smtp.host", "127.0.0.1").with("smtp.port", "9");
    let _taken = [start.inbox_port, start.smtp_port]
        .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    for start in [start.clone().flag("--no-inbox"), start.with("standalone.inbox", "false")] {
        let standalone = start.start().await;
        assert!(!standalone.process.stdout.text().contains("Inbox"));
    }
}

#[tokio::test]
async fn everything_listens_on_loopback_alone() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    let _standalone = start.start().await;
    // As /proc/net/tcp shows a socket: local address and port in hexadecimal, 0A for listening.
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap()
        + &fs::read_to_string("/proc/net/tcp6").unwrap();
    for port in
        [start.api_port, start.inbox_port, start.smtp_port, start.metrics_port, start.product_port]
    {
        let suffix = format!(":{port:04X}");
        let local = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let listening: Vec<_> =
            local.filter(|fields| fields[1].ends_with(&suffix) && fields[3] == "0A").collect();
        let [socket] = &listening[..] else { panic!("{listening:?} listen on {port}") };
        assert_eq!(socket[1], format!("0100007F{suffix}"), "127.0.0.1 as the kernel writes it");
    }
}

#[tokio::test]
async fn the_program_explains_itself() {
    let help = output(&["--help"]).await;
    for flag in ["--port", "--inbox-port", "--smtp-port", "--data-dir", "--no-inbox", "--config"] {
        assert!(help.contains(flag), "{flag} is not explained:\n{help}");
    }
    assert_eq!(output(&["-V"]).await.trim(), concat!("standalone ", env!("CARGO_PKG_VERSION")));
    assert!(output(&["defaults"]).await.contains("[standalone]"));
}

/// What a command writes, which must succeed and complain about nothing.
async fn output(arguments: &[&str]) -> String {
    let program = Program::of_product("standalone").arguments(arguments.iter().copied());
    let finished =
        program.setting("http.listen", &format!("127.0.0.1:{}", free_port())).run_to_end().await;
    assert_eq!(finished.code, 0, "{arguments:?}: {}", finished.stderr);
    assert_eq!(finished.stderr, "", "{arguments:?}");
    finished.stdout
}
