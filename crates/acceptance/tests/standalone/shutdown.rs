//! Ctrl-C: what has been asked is answered, then the process ends well.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use acceptance::{Account, PATIENCE, Standalone, Start};

/// A registration whose head has been read and whose body is still awaited.
struct HalfSent {
    stream: TcpStream,
    body: String,
}

impl HalfSent {
    async fn to(start: &Start, account: &Account) -> Self {
        let body = format!(r#"{{"email":"{}","password":"{}"}}"#, account.email, account.password);
        let mut stream = TcpStream::connect(("127.0.0.1", start.api_port)).await.unwrap();
        let head = format!(
            "POST /api/v1/users/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server has read the head when it asks for the body (RFC 9110 section 10.1.1).
        let mut invitation = [0; 25];
        let read = timeout(PATIENCE, stream.read_exact(&mut invitation)).await;
        read.expect("an invitation to go on").unwrap();
        assert!(invitation.starts_with(b"HTTP/1.1 100 Continue"), "{}", invitation.escape_ascii());
        Self { stream, body }
    }

    /// Sends the rest and returns all that comes back.
    async fn finish(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(PATIENCE, self.stream.read_to_string(&mut answer)).await;
        read.expect("the end of the connection").unwrap();
        answer
    }
}

async fn draining(standalone: &Standalone) {
    standalone.program.signal("INT");
    standalone.program.stderr.line_with("draining").await;
}

#[tokio::test]
async fn ctrl_c_answers_what_has_been_asked_and_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let start = Start::on(data.path());
    let standalone = start.ready().await;
    let account = Account::new();
    let request = HalfSent::to(&start, &account).await;
    draining(&standalone).await;
    let answer = request.finish().await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(standalone.program.ended().await.code(), Some(0), "{}", standalone.program.stderr.text());
    // What was answered is kept.
    let next = start.ready().await;
    next.client().register(&account).await.expect_problem(409, "email-taken");
}

#[tokio::test]
async fn an_idle_system_ends_at_once() {
    let data = tempfile::tempdir().unwrap();
    let standalone = Start::on(data.path()).with("http.shutdown_seconds", "120").ready().await;
    draining(&standalone).await;
    // Nothing is waited for, least of all the time that a drain may take.
    let ended = standalone.program.ended_within(Duration::from_secs(20)).await;
    assert_eq!(ended.code(), Some(0));
    let log = standalone.program.stderr.whole().await;
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait() {
    let data = tempfile::tempdir().unwrap();
    let start = Start::on(data.path());
    let standalone = start.ready().await;
    let _never_finished = HalfSent::to(&start, &Account::new()).await;
    draining(&standalone).await;
    standalone.program.signal("INT");
    let status = standalone.program.ended().await;
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}
