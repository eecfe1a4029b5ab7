//! Connections are kept, and a kept one that has died costs no mail.

use std::time::Duration;

use adapters::smtp::{SmtpMailer, SmtpOptions};
use domain::ports::{MailError, Mailer};
use futures::future::join_all;
use test_support::smtp_server::{Act, Server, Tls};

use crate::client;
use crate::fixtures::{mail, mailer, options};

#[tokio::test]
async fn one_connection_serves_many_mails() {
    let server = Server::well_behaved().start().await;
    let mailer = mailer(&server);
    for number in 0..20 {
        mailer.send(&mail(number)).await.unwrap();
        mailer.ping().await.unwrap();
    }
    assert_eq!(server.received().len(), 20);
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn there_are_as_many_connections_as_allowed_and_other_mails_wait() {
    let server = Server::well_behaved().start().await;
    let mailer = SmtpMailer::new(&SmtpOptions { connections: 2, ..options(&server) }).unwrap();
    let mails: Vec<_> = (0..8).map(mail).collect();
    for result in join_all(mails.iter().map(|mail| mailer.send(mail))).await {
        result.unwrap();
    }
    assert_eq!(server.received().len(), 8);
    assert_eq!(server.opened(), 2);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_costs_no_mail() {
    let server = Server::well_behaved().idle_limit(Duration::from_millis(50));
    let server = server.start().await;
    let mailer = mailer(&server);
    for number in 0..3 {
        mailer.send(&mail(number)).await.unwrap();
        server.wait_for_closed(number as usize + 1).await;
    }
    mailer.ping().await.unwrap();
    assert_eq!(server.received().len(), 3);
    assert_eq!(server.opened(), 4);
}

#[tokio::test]
async fn a_kept_connection_refused_with_421_costs_no_mail() {
    for at in ["MAIL", "RCPT", "DATA"] {
        let refuse = move |mails: usize| mails == 1;
        let server = Server::new(move |when| {
            let act = Act::ReplyAndDrop("421 4.7.0 too many mails over one connection".into());
            if when.moment == at && refuse(when.mails) { act } else { Act::Normal }
        });
        let server = server.start().await;
        let mailer = mailer(&server);
        for number in 0..3 {
            mailer.send(&mail(number)).await.unwrap();
        }
        let connections: Vec<_> = server.received().iter().map(|mail| mail.connection).collect();
        assert_eq!(connections, [0, 1, 2], "{at}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_answers_no_more_costs_no_mail() {
    let server = Server::new(|when| {
        if when.moment == "MAIL" && when.connection == 0 && when.mails == 1 {
            Act::Hang
        } else {
            Act::Normal
        }
    });
    let server = server.start().await;
    let mailer =
        SmtpMailer::new(&SmtpOptions { timeout: Duration::from_secs(1), ..options(&server) })
            .unwrap();
    mailer.send(&mail(0)).await.unwrap();
    mailer.send(&mail(1)).await.unwrap();
    assert_eq!((server.received().len(), server.opened(), server.hangs()), (2, 2, 1));
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_sent_again_at_once() {
    let server = Server::new(|when| {
        if when.moment == "CONTENT" && when.mails == 1 { Act::Drop } else { Act::Normal }
    });
    let server = server.start().await;
    let mailer = mailer(&server);
    mailer.send(&mail(0)).await.unwrap();
    assert!(matches!(mailer.send(&mail(1)).await, Err(MailError::Transient(_))));
    assert_eq!(server.opened(), 1);
    mailer.send(&mail(1)).await.unwrap();
    assert_eq!(server.opened(), 2);
}

#[tokio::test]
async fn a_connection_is_not_kept_after_a_refusal() {
    let server = Server::new(|when| {
        if when.moment == "RCPT" && when.connection == 0 {
            Act::Reply("550 5.1.1 no".into())
        } else {
            Act::Normal
        }
    });
    let server = server.start().await;
    let mailer = mailer(&server);
    assert!(matches!(mailer.send(&mail(0)).await, Err(MailError::Permanent(_))));
    server.wait_for_closed(1).await;
    assert_eq!(server.heard().last().unwrap(), "QUIT");
    mailer.send(&mail(1)).await.unwrap();
    assert_eq!(server.opened(), 2);
}

#[tokio::test]
async fn an_unused_connection_is_closed_after_its_time() {
    let server = Server::well_behaved().start().await;
    let mailer =
        SmtpMailer::new(&SmtpOptions { idle_time: Duration::ZERO, ..options(&server) }).unwrap();
    mailer.send(&mail(0)).await.unwrap();
    mailer.send(&mail(1)).await.unwrap();
    server.wait_for_closed(1).await;
    assert_eq!(server.opened(), 2);
}

/// Without `TCP_NODELAY` every mail over a kept connection waits 40 ms for a delayed
/// acknowledgement. With it some may take as long, on a machine that is busy, but not all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_waits_for_a_delayed_acknowledgement() {
    for tls in [Tls::None, Tls::Start, Tls::Implicit] {
        let server = Server::well_behaved().tls(tls).start().await;
        let shortest = client::send(&options(&server), server.certificate_pem(), 26).await.unwrap();
        assert!(shortest < Duration::from_millis(40), "no mail took less than {shortest:?}");
        assert_eq!(server.opened(), 1);
    }
}
