//! What `doctor` says about a mail server: each problem provoked by one that a test scripts.

use std::io::Write;
use std::time::Duration;

use adapters::smtp::{SmtpCredentials, SmtpOptions, SmtpTls, diagnose};
use domain::{Finding, Severity};
use test_support::smtp_server::{Act, Login, Running, Server, Tls};
use test_support::{free_port, run_client};

use crate::fixtures::{options, options_for};

/// A password that no finding may hold.
const CANARY: &str = "hush-hush";

const PORT: &str = "SMTP_DIAGNOSIS_PORT";

fn with_password(options: SmtpOptions, password: &str) -> SmtpOptions {
    let (username, password) = ("signup".to_owned(), password.to_owned().into());
    SmtpOptions { credentials: Some(SmtpCredentials { username, password }), ..options }
}

fn login() -> Login {
    Login { mechanism: "PLAIN", username: "signup", password: CANARY }
}

/// A server that answers like this at a moment, and well otherwise.
async fn answering(at: &'static str, reply: &'static str) -> Running {
    Server::new(
        move |when| {
            if when.moment == at { Act::Reply(reply.to_owned()) } else { Act::Normal }
        },
    )
    .start()
    .await
}

/// That a check ends in an error with these words, and is the last one that is made.
#[track_caller]
fn assert_last_error(findings: &[Finding], check: &str, said: &str, advised: &str) {
    let last = findings.last().unwrap();
    assert_eq!((last.check, last.severity), (check, Severity::Error), "{findings:#?}");
    let advice = last.advice.as_deref().unwrap_or_default();
    assert!(last.message.contains(said) && advice.contains(advised), "{last:#?}");
    assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
}

#[tokio::test]
async fn a_server_that_takes_mails_is_sent_none() {
    let server = Server::well_behaved().login(login()).start().await;
    let findings = diagnose(with_password(options(&server), CANARY)).await;
    let found: Vec<_> = findings.iter().map(|finding| (finding.check, finding.severity)).collect();
    let expected = ["smtp.connection", "smtp.tls", "smtp.login", "smtp.sender"];
    assert_eq!(found, expected.map(|check| (check, Severity::Ok)));
    assert!(!format!("{findings:?}").contains(CANARY), "a password in {findings:#?}");
    server.wait_for_closed(1).await;
    assert_eq!(server.heard(), ["EHLO", "AUTH", "MAIL", "RSET", "QUIT"]);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_named() {
    let nobody = diagnose(options_for("localhost", free_port(), SmtpTls::None)).await;
    assert_last_error(&nobody, "smtp.connection", "refused", "smtp.host and smtp.port");
    let unknown = diagnose(options_for("mail.invalid", 25, SmtpTls::StartTls)).await;
    assert_last_error(
        &unknown,
        "smtp.connection",
        "mail.invalid:25",
        "many networks block port 25",
    );
    let silent = Server::new(|_| Act::Hang).start().await;
    let mut impatient = options(&silent);
    impatient.timeout = Duration::from_millis(300);
    assert_last_error(
        &diagnose(impatient).await,
        "smtp.connection",
        "300ms",
        "465 is for implicit",
    );
}

#[tokio::test]
async fn a_server_that_greets_with_a_refusal_is_named() {
    let server = answering("CONNECT", "554 5.7.1 you are on a list").await;
    assert_last_error(
        &diagnose(options(&server)).await,
        "smtp.greeting",
        "554",
        "ask whoever runs it",
    );
}

#[tokio::test]
async fn the_wrong_mode_of_tls_is_named() {
    let plain = Server::well_behaved().start().await;
    let demanding = SmtpOptions { tls: SmtpTls::StartTls, ..options(&plain) };
    assert_last_error(&diagnose(demanding).await, "smtp.tls", "does not offer it", "smtp.tls");
    let implicit = SmtpOptions { tls: SmtpTls::Implicit, ..options(&plain) };
    assert_last_error(&diagnose(implicit).await, "smtp.connection", "", "587 and 25");
    for (tls, check) in [(Tls::Start, "smtp.tls"), (Tls::Implicit, "smtp.connection")] {
        let server = Server::well_behaved().tls(tls).start().await;
        let untrusted = diagnose(options(&server)).await;
        assert_last_error(&untrusted, check, "certificate", "SSL_CERT_FILE");
    }
}

#[tokio::test]
async fn a_login_that_is_refused_or_not_offered_is_named() {
    let server = Server::well_behaved().login(login()).start().await;
    let wrong = diagnose(with_password(options(&server), "wrong")).await;
    assert_last_error(&wrong, "smtp.login", "535 5.7.8", "smtp.username and smtp.password");
    let server = Server::well_behaved().start().await;
    let unasked = diagnose(with_password(options(&server), CANARY)).await;
    assert_last_error(&unasked, "smtp.login", "AUTH", "with TLS only");
}

#[tokio::test]
async fn a_sender_that_is_refused_is_named() {
    let server = answering("MAIL", "553 5.7.1 not you").await;
    let findings = diagnose(options(&server)).await;
    assert_last_error(&findings, "smtp.sender", "553 5.7.1", "mail.from");
    let server = answering("MAIL", "530 5.7.0 log in first").await;
    assert_last_error(&diagnose(options(&server)).await, "smtp.sender", "530", "smtp.username");
}

#[tokio::test]
async fn an_encrypted_conversation_is_verified() {
    for tls in [Tls::Start, Tls::Implicit] {
        let server = Server::well_behaved().tls(tls).login(login()).start().await;
        let mut roots = tempfile::NamedTempFile::new().unwrap();
        roots.write_all(server.certificate_pem().as_bytes()).unwrap();
        let mode = if tls == Tls::Start { "starttls" } else { "implicit" };
        let variables = [(PORT, format!("{} {mode}", server.port()))];
        let output = run_client("diagnosis::client", roots.path(), variables).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("worst: Some(Ok)"), "{text}");
        assert!(text.contains("the certificate was verified"), "{text}");
        assert!(server.received().is_empty());
    }
}

/// Does nothing when it is not started by the test above.
#[tokio::test]
async fn client() {
    let Ok(server) = std::env::var(PORT) else { return };
    let (port, mode) = server.split_once(' ').unwrap();
    let tls = if mode == "starttls" { SmtpTls::StartTls } else { SmtpTls::Implicit };
    let options = options_for("localhost", port.parse().unwrap(), tls);
    let findings = diagnose(with_password(options, CANARY)).await;
    println!("\n{findings:#?}\nworst: {:?}", findings.iter().map(|f| f.severity).max());
}
