//! Files and sockets: how many a connection takes, and what happens when there are few.

use acceptance::{Account, RawConnection, Standalone, StandaloneCommand};
use test_support::eventually;

/// Opens connections that the server has accepted: each has begun a request.
async fn open(standalone: &Standalone, number: usize) -> Vec<RawConnection> {
    let mut connections = Vec::new();
    for _ in 0..number {
        let mut connection = RawConnection::open(&standalone.api).await;
        connection.send("POST /api/v1/users/register HTTP/1.1\r\n").await;
        connections.push(connection);
    }
    connections
}

#[tokio::test]
async fn a_connection_takes_one_descriptor() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path()).with("http.header_timeout", "1h");
    let standalone = start.start().await;
    let before = standalone.process.open_descriptors();
    let connections = open(&standalone, 100).await;
    // The probe at the start, the log and the database may come and go.
    let expected = before + 90..before + 110;
    eventually("the last connection", async || {
        (standalone.process.open_descriptors() >= expected.start).then_some(())
    })
    .await;
    // Answered after all of them were accepted.
    standalone.client().get("/health/live").await.expect_status(200);
    let open = standalone.process.open_descriptors();
    assert!(expected.contains(&open), "{open} instead of {expected:?} for {}", connections.len());
}

#[tokio::test]
async fn with_few_descriptors_the_limit_is_raised_and_the_stores_keep_a_reserve() {
    let data = tempfile::tempdir().unwrap();
    let start =
        StandaloneCommand::on(data.path()).with("http.header_timeout", "1h").descriptors(64, 300);
    let standalone = start.start().await;
    let warning = standalone.process.stderr.line_with("http.max_connections_lowered").await;
    assert!(warning.contains("wanted=4096") && warning.contains("descriptors=300"), "{warning}");
    // More than there are descriptors for: the rest waits in the kernel, which keeps 128.
    let mut connections = open(&standalone, 200).await;
    let account = Account::new();
    let body = format!(r#"{{"email":"{}","password":"{}"}}"#, account.email, account.password);
    let rest = format!(
        "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    connections[0].send(rest).await;
    let answer = connections[0].read_to_close().await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    // The database, the mail server and the inbox still find descriptors.
    standalone.mailbox().first(&account.email).await;
    let open = standalone.process.open_descriptors();
    assert!(open < 300, "{open} of 300 descriptors are taken");
}
