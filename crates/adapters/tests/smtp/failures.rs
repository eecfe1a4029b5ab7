//! What a failure means: later, or never.

use std::time::{Duration, Instant};

use adapters::smtp::{SmtpMailer, SmtpOptions, SmtpOptionsError};
use domain::ports::{MailError, Mailer};
use futures::future::join_all;
use test_support::free_port;
use test_support::smtp_server::{Act, Running, Server};

use crate::fixtures::{mail, mailer, options};

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Transient,
    SenderRefused,
    Refused,
    Permanent,
}
use Outcome::{Accepted, Permanent, Refused, SenderRefused, Transient};

async fn outcome(mailer: &SmtpMailer) -> Outcome {
    match mailer.send(&mail(1)).await {
        Ok(()) => Accepted,
        Err(MailError::Transient(_)) => Transient,
        Err(MailError::SenderRefused(_)) => SenderRefused,
        Err(MailError::Refused(_)) => Refused,
        Err(MailError::Permanent(_)) => Permanent,
    }
}

/// A server that answers one moment with one act.
async fn server(at: &'static str, act: Act) -> Running {
    scripted(at, act).start().await
}

fn scripted(at: &'static str, act: Act) -> Server {
    Server::new(move |when| if when.moment == at { act.clone() } else { Act::Normal })
}

#[tokio::test]
async fn rfc_3463_a_refusal_is_final_if_it_is_about_the_recipient_or_the_mail() {
    for (at, reply, expected) in [
        ("CONNECT", "421 4.3.2 too busy", Transient),
        ("CONNECT", "554 5.7.1 your host is blocked", SenderRefused),
        ("CONNECT", "554 4.3.2 too busy", Transient),
        ("EHLO", "550 5.7.1 not you", SenderRefused),
        ("MAIL", "451 4.3.0 later", Transient),
        ("MAIL", "550 4.7.1 later", Transient),
        ("MAIL", "550 5.7.1 sender unknown", SenderRefused),
        ("MAIL", "550 5.1.1 no such user", SenderRefused),
        ("MAIL", "553 no", SenderRefused),
        ("RCPT", "450 4.2.0 greylisted", Transient),
        ("RCPT", "452 4.2.2 mailbox full", Transient),
        ("RCPT", "550 5.1.1 no such user", Permanent),
        ("RCPT", "553 5.1.3 bad address", Permanent),
        ("RCPT", "501 5.1.3 bad address", Permanent),
        ("RCPT", "550 5.1.8 sender's domain not found", Refused),
        ("RCPT", "553 5.7.1 sender not owned by user", Refused),
        ("RCPT", "554 5.7.1 client host rejected", Refused),
        ("RCPT", "503 5.5.1 bad sequence", Refused),
        ("RCPT", "504 5.5.2 your greeting is not a domain", Refused),
        ("RCPT", "530 5.7.0 authentication required", Refused),
        ("RCPT", "550 5.4.1 access denied", Refused),
        ("RCPT", "550-we are sorry\r\n550 5.7.1 not from you", Refused),
        ("RCPT", "550-we are sorry\r\n550 but no", Permanent),
        ("RCPT", "550 4.2.1 busy", Transient),
        ("RCPT", "556 no mail here", Permanent),
        ("DATA", "451 4.3.0 later", Transient),
        ("DATA", "554 5.5.1 no valid recipients", Refused),
        ("DATA", "550 5.1.1 no such user", Permanent),
        ("CONTENT", "451 4.7.1 later", Transient),
        ("CONTENT", "550 5.4.5 daily quota exceeded", Refused),
        ("CONTENT", "550 5.7.26 unauthenticated", Refused),
        ("CONTENT", "554 5.6.0 refused", Permanent),
        ("CONTENT", "554 transaction failed", Permanent),
        ("CONTENT", "550 no", Refused),
        ("CONTENT", "what?", Transient),
        ("QUIT", "500 what?", Accepted),
    ] {
        for pipelines in [false, true] {
            let server = scripted(at, Act::Reply(reply.into())).pipelining(pipelines);
            let server = server.start().await;
            assert_eq!(outcome(&mailer(&server)).await, expected, "{at}: {reply}");
            assert_eq!(server.received().len(), usize::from(expected == Accepted), "{at}: {reply}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_transient_failure() {
    for at in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "MID-DATA", "CONTENT"] {
        for pipelines in [false, true] {
            let server = scripted(at, Act::Drop).pipelining(pipelines).start().await;
            assert_eq!(outcome(&mailer(&server)).await, Transient, "{at}");
            assert!(server.received().is_empty());
            assert_eq!(server.opened(), 1, "no blind repetition");
        }
    }
}

#[tokio::test]
async fn asvs_13_1_3_a_server_that_hangs_lets_go_at_the_timeout() {
    // Long enough for what is said before it hangs, and all at once, so that it is waited for only
    // once.
    let timeout = Duration::from_secs(2);
    let moments = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"].map(|at| async move {
        let server = server(at, Act::Hang).await;
        let mailer = SmtpMailer::new(&SmtpOptions {
            timeout,
            acceptance_timeout: timeout,
            ..options(&server)
        })
        .unwrap();
        let started = Instant::now();
        assert_eq!(outcome(&mailer).await, Transient, "{at}");
        assert!(
            started.elapsed() < timeout + Duration::from_secs(15),
            "{at}: {:?}",
            started.elapsed()
        );
        assert_eq!(server.hangs(), 1, "{at}");
    });
    join_all(moments).await;
}

/// RFC 5321 section 4.5.3.2.6: whoever does not wait for the last reply sends the mail twice.
#[tokio::test]
async fn a_server_may_take_longer_to_accept_than_to_answer() {
    let slow = Duration::from_secs(6);
    let server = server("CONTENT", Act::ReplyAfter(slow)).await;
    let options = SmtpOptions { timeout: Duration::from_secs(5), ..options(&server) };
    assert_eq!(outcome(&SmtpMailer::new(&options).unwrap()).await, Accepted);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn no_server_is_a_transient_failure() {
    let server = Server::well_behaved().start().await;
    for (host, port) in [("127.0.0.1", free_port()), ("no-such-host.invalid", 25)] {
        let mailer =
            SmtpMailer::new(&SmtpOptions { host: host.into(), port, ..options(&server) }).unwrap();
        assert_eq!(outcome(&mailer).await, Transient);
        assert!(matches!(mailer.ping().await, Err(MailError::Transient(_))));
    }
}

#[tokio::test]
async fn asvs_16_2_5_an_error_names_the_reply_but_no_address() {
    for reply in [
        "550 5.1.1 <ada@recipient.example>: code 4711 unknown",
        "nonsense about ada@recipient.example",
    ] {
        let server = server("RCPT", Act::Reply(reply.into())).await;
        let error = mailer(&server).send(&mail(1)).await.unwrap_err();
        let mut text = format!("{error:?}");
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            text = format!("{text} {error} {error:?}");
            cause = error.source();
        }
        assert!(!text.contains("recipient.example") && !text.contains("4711"), "{text}");
        assert!(text.contains("RCPT TO"), "{text}");
        assert_eq!(text.contains("550 5.1.1"), reply.starts_with("550"), "{text}");
    }
}

#[tokio::test]
async fn options_that_cannot_work_are_refused() {
    let options = options(&Server::well_behaved().start().await);
    let refused = |change: fn(&mut SmtpOptions)| {
        let mut options = options.clone();
        change(&mut options);
        SmtpMailer::new(&options).err()
    };
    assert_eq!(refused(|o| o.from_address = "nobody".into()), Some(SmtpOptionsError::FromAddress));
    assert_eq!(
        refused(|o| o.message_id_domain = "a b".into()),
        Some(SmtpOptionsError::MessageIdDomain)
    );
    assert_eq!(
        refused(|o| o.message_id_domain = String::new()),
        Some(SmtpOptionsError::MessageIdDomain)
    );
    assert_eq!(refused(|_| ()), None);
}
