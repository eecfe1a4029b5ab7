//! A mail server that cannot be used, as far as its operator sees it: one warning with the cause,
//! readiness, and the end of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acceptance::{Account, Standalone, StandaloneCommand};
use test_support::smtp_server::{Act, Login, Server, Tls};
use test_support::{Proxy, eventually};

const DOWN: &str = "mail_server.down";
const UP: &str = "mail_server.recovered";

fn count(standalone: &Standalone, event: &str) -> usize {
    standalone.process.stderr.lines().iter().filter(|line| line.contains(event)).count()
}

async fn wait_for_status(standalone: &Standalone, status: &str) {
    eventually(&format!("readiness {status}"), async || {
        let report = standalone.client().get("/health/ready").await;
        report.expect_status(200);
        let smtp = if status == "ready" { "up" } else { "down" };
        let report = report.json();
        (report["status"] == status && report["dependencies"]["smtp"]["status"] == smtp)
            .then_some(())
    })
    .await;
}

/// Starts a system, which says once what is wrong with its mail server, however many mails wait for
/// it.
async fn start_in_vain(start: &StandaloneCommand, cause: &str) -> Standalone {
    let standalone = start.start().await;
    let warning = standalone.process.stderr.line_with(DOWN).await;
    assert!(warning.contains(cause), "{warning}");
    wait_for_status(&standalone, "degraded").await;
    for _ in 0..3 {
        standalone.client().register(&Account::new()).await.expect_status(201);
    }
    wait_for_status(&standalone, "degraded").await;
    assert_eq!((count(&standalone, DOWN), count(&standalone, UP)), (1, 0));
    standalone
}

fn command(data: &tempfile::TempDir, host: &str, port: u16, tls: &str) -> StandaloneCommand {
    StandaloneCommand::on(data.path())
        .with("smtp.host", host)
        .with("smtp.port", &port.to_string())
        .with("smtp.tls", tls)
        .with("smtp.timeout", "5s")
}

#[tokio::test]
async fn a_wrong_password_is_reported_once_per_outage() {
    let data = tempfile::tempdir().unwrap();
    let login = Login { mechanism: "PLAIN", username: "ada", password: "right" };
    let server = Server::well_behaved().login(login).start().await;
    let start = command(&data, "127.0.0.1", server.port(), "none");
    let start = start.with("smtp.username", "ada").with("smtp.password", "wrong");
    start_in_vain(&start, "AUTH").await;
}

#[tokio::test]
async fn a_wrong_host_is_reported_once_per_outage() {
    let data = tempfile::tempdir().unwrap();
    start_in_vain(&command(&data, "mail.invalid", 25, "none"), "connecting").await;
}

#[tokio::test]
async fn a_wrong_tls_mode_is_reported_once_per_outage() {
    for (tls, cause) in [("starttls", "STARTTLS"), ("implicit", "error=")] {
        let data = tempfile::tempdir().unwrap();
        let server = Server::well_behaved().tls(Tls::None).start().await;
        start_in_vain(&command(&data, "127.0.0.1", server.port(), tls), cause).await;
    }
}

#[tokio::test]
async fn the_end_of_an_outage_is_reported_and_the_mails_follow() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::well_behaved().start().await;
    let proxy = Proxy::start(server.address().to_string()).await;
    proxy.cut().await;
    let start = command(&data, "127.0.0.1", proxy.port(), "none");
    let standalone = start_in_vain(&start, "error=").await;
    proxy.restore().await;
    standalone.process.stderr.line_with(UP).await;
    wait_for_status(&standalone, "ready").await;
    eventually("the mails", async || (server.received().len() == 3).then_some(())).await;
    assert_eq!((count(&standalone, DOWN), count(&standalone, UP)), (1, 1));
}

#[tokio::test]
async fn a_recipient_that_has_to_wait_is_no_outage() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::new(|when| match when.moment {
        "RCPT" => Act::Reply("450 4.2.0 try again later".into()),
        _ => Act::Normal,
    });
    let server = server.start().await;
    let standalone = command(&data, "127.0.0.1", server.port(), "none").start().await;
    standalone.client().register(&Account::new()).await.expect_status(201);
    eventually("a second attempt", async || {
        (server.heard().iter().filter(|verb| *verb == "RCPT").count() > 1).then_some(())
    })
    .await;
    wait_for_status(&standalone, "ready").await;
    assert_eq!(count(&standalone, DOWN), 0);
}

/// It greets, so it is up; but the sender is refused, whoever the recipient is.
#[tokio::test]
async fn a_server_that_refuses_every_sender_is_reported_as_refusing_everybody() {
    let data = tempfile::tempdir().unwrap();
    let is_refused = Arc::new(AtomicBool::new(true));
    let switch = is_refused.clone();
    let server = Server::new(move |when| {
        let refused = when.moment == "MAIL" && switch.load(Ordering::Relaxed);
        if refused { Act::Reply("550 5.7.1 sender unknown".into()) } else { Act::Normal }
    });
    let server = server.start().await;
    let standalone = command(&data, "127.0.0.1", server.port(), "none").start().await;
    for domain in ["one.example", "two.example", "three.example"].iter().cycle().take(20) {
        let mut account = Account::new();
        account.email = account.email.replace("example.com", domain);
        standalone.client().register(&account).await.expect_status(201);
    }
    let alarm = standalone.process.stderr.line_with("mail.all_refused").await;
    assert!(alarm.contains("MAIL FROM with 550 5.7.1"), "{alarm}");
    wait_for_status(&standalone, "ready").await;
    is_refused.store(false, Ordering::Relaxed);
    eventually("the mails", async || (server.received().len() == 20).then_some(())).await;
    standalone.process.stderr.line_with("mail.accepted_again").await;
    assert_eq!((count(&standalone, DOWN), count(&standalone, "mail.all_refused")), (0, 1));
}
