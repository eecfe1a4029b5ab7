//! Ctrl-C: requests that have begun are answered, then the process ends well.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use acceptance::{Account, Client, RawConnection, Secrets, Standalone, StandaloneCommand};
use test_support::eventually;
use tokio::net::TcpStream;

/// A registration whose head has been read and whose body is still awaited.
struct HalfSent {
    connection: RawConnection,
    body: String,
}

impl HalfSent {
    async fn to(standalone: &Standalone, account: &Account) -> Self {
        let body = format!(r#"{{"email":"{}","password":"{}"}}"#, account.email, account.password);
        let mut connection = RawConnection::open(&standalone.api).await;
        let head = format!(
            "POST /api/v1/users/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        connection.send(head).await;
        // The server has read the head when it asks for the body (RFC 9110 section 10.1.1).
        let invitation = connection.answer().await;
        assert!(invitation.starts_with("HTTP/1.1 100 Continue"), "{invitation}");
        Self { connection, body }
    }

    /// Sends the rest and returns all that comes back.
    async fn finish(mut self) -> String {
        self.connection.send(self.body).await;
        self.connection.read_to_close().await
    }
}

async fn interrupt(standalone: &Standalone) {
    standalone.process.signal("INT");
    standalone.process.stderr.line_with("draining").await;
}

/// Finishes a request: it is answered as ever, and then the process ends well.
async fn assert_answered_before_the_end(standalone: &Standalone, request: HalfSent) {
    let answer = request.finish().await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(
        standalone.process.wait().await.code(),
        Some(0),
        "{}",
        standalone.process.stderr.text()
    );
}

#[tokio::test]
async fn ctrl_c_answers_what_has_been_asked_and_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path());
    let standalone = start.start().await;
    let account = Account::new();
    let request = HalfSent::to(&standalone, &account).await;
    interrupt(&standalone).await;
    assert_answered_before_the_end(&standalone, request).await;
    // What was answered is kept.
    let next = start.start().await;
    next.client().register(&account).await.expect_problem(409, "email-taken");
}

#[tokio::test]
async fn while_the_shutdown_delay_lasts_requests_are_answered_and_readiness_is_503() {
    let data = tempfile::tempdir().unwrap();
    let standalone =
        StandaloneCommand::on(data.path()).with("http.shutdown_delay", "1h").start().await;
    interrupt(&standalone).await;
    let client = standalone.client();
    let report = client.get("/health/ready").await;
    assert_eq!((report.status, report.text("status").as_str()), (503, "draining"));
    client.register(&Account::new()).await.expect_status(201);
    standalone.process.signal("INT");
    assert_eq!(standalone.process.wait().await.code(), Some(130));
}

#[tokio::test]
async fn the_listener_of_the_operator_outlasts_the_last_request() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path()).with("http.shutdown_timeout", "10m");
    let standalone = start.start().await;
    let request = HalfSent::to(&standalone, &Account::new()).await;
    interrupt(&standalone).await;
    // The API has closed its listener, the operator's is still there.
    let api = standalone.api.trim_start_matches("http://");
    eventually("the API to close its listener", async || TcpStream::connect(api).await.err()).await;
    let operator =
        Client::new(&format!("http://127.0.0.1:{}", start.metrics_port), Secrets::default());
    assert_eq!(operator.get("/health/ready").await.expect_status(503).text("status"), "draining");
    operator.get("/metrics").await.expect_status(200);
    assert_answered_before_the_end(&standalone, request).await;
}

#[tokio::test]
async fn an_idle_system_ends_at_once() {
    let data = tempfile::tempdir().unwrap();
    let standalone =
        StandaloneCommand::on(data.path()).with("http.shutdown_timeout", "120s").start().await;
    interrupt(&standalone).await;
    // Nothing is waited for, least of all the time that a drain may take.
    let ended = standalone.process.wait_within(Duration::from_secs(20)).await;
    assert_eq!(ended.code(), Some(0));
    let log = standalone.process.stderr.whole().await;
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let _never_finished = HalfSent::to(&standalone, &Account::new()).await;
    interrupt(&standalone).await;
    standalone.process.signal("INT");
    let status = standalone.process.wait().await;
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}
