//! Several commands at once (RFC 2920), where the server offers it.

use adapters::smtp::{SmtpMailer, SmtpTls};
use domain::ports::{MailError, Mailer};
use test_support::smtp_server::{Act, Running, Server, Tls};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::client;
use crate::fixtures::{mail, mailer, options, options_for};

/// Answers nothing between EHLO and DATA before it has all of it, and returns the content.
async fn serve_in_two_round_trips(stream: TcpStream) -> std::io::Result<String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await?;
    read_until(&mut stream, "EHLO sender.example\r\n").await?;
    stream.write_all(b"250-test\r\n250-pipelining\r\n250 HELP\r\n").await?;
    read_until(&mut stream, "\r\nDATA\r\n").await?;
    stream.write_all(b"250 sender\r\n250 recipient\r\n354 go on\r\n").await?;
    let content = read_until(&mut stream, "\r\n.\r\n").await?;
    stream.write_all(b"250 accepted\r\n").await?;
    Ok(content)
}

async fn read_until(stream: &mut BufReader<TcpStream>, end: &str) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with(end) {
        if stream.read_line(&mut text).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(text)
}

#[tokio::test]
async fn rfc_2920_a_mail_takes_two_round_trips() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        serve_in_two_round_trips(stream).await
    });
    let options = options_for("127.0.0.1", port, SmtpTls::None);
    SmtpMailer::new(&options).unwrap().send(&mail(1)).await.unwrap();
    assert!(server.await.unwrap().unwrap().contains("4711"));
}

#[tokio::test]
async fn rfc_2920_commands_wait_for_their_replies_where_the_server_does_not_offer_it() {
    let refused = |pipelines| async move {
        let server = Server::new(|when| match when.moment {
            "MAIL" => Act::Reply("550 5.7.1 not you".into()),
            "RCPT" | "DATA" => Act::Reply("503 5.5.1 bad sequence".into()),
            _ => Act::Normal,
        });
        let server = server.pipelining(pipelines).start().await;
        let error = mailer(&server).send(&mail(1)).await.unwrap_err();
        assert!(matches!(error, MailError::SenderRefused(_)), "{error:?}");
        server.wait_for_closed(1).await;
        server.heard()
    };
    assert_eq!(refused(false).await, ["EHLO", "MAIL", "QUIT"]);
    assert_eq!(refused(true).await, ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]);
}

/// A server that refuses the recipient and answers DATA so.
async fn refusing(data: Act) -> Running {
    let server = Server::new(move |when| match (when.moment, when.connection) {
        ("RCPT", 0) => Act::Reply("550 5.1.1 no such user".into()),
        ("DATA", 0) => data.clone(),
        _ => Act::Normal,
    });
    server.pipelining(true).start().await
}

#[tokio::test]
async fn rfc_2920_a_server_that_refused_the_recipient_gets_no_content() {
    for (data, last_heard) in [
        (Act::Reply("554 5.5.1 no valid recipients".into()), "QUIT"),
        // It waits for a content now, for which it would take a QUIT.
        (Act::Normal, "DATA"),
    ] {
        let server = refusing(data).await;
        let mailer = mailer(&server);
        let error = mailer.send(&mail(0)).await.unwrap_err();
        assert!(matches!(error, MailError::Permanent(_)), "{error:?}");
        server.wait_for_closed(1).await;
        assert_eq!(server.heard().last().unwrap(), last_heard);
        assert!(server.received().is_empty());
        mailer.send(&mail(1)).await.unwrap();
        assert_eq!((server.opened(), server.received().len()), (2, 1));
    }
}

#[tokio::test]
async fn a_kept_connection_that_ends_meanwhile_costs_no_mail() {
    for (at, act) in [
        ("MAIL", Act::Drop),
        ("RCPT", Act::Drop),
        ("DATA", Act::Drop),
        ("MAIL", Act::ReplyAndDrop("421 4.4.2 idle for too long".into())),
    ] {
        let server = Server::new(move |when| {
            let is_second = (when.connection, when.mails) == (0, 1);
            if is_second && when.moment == at { act.clone() } else { Act::Normal }
        });
        let server = server.pipelining(true).start().await;
        let mailer = mailer(&server);
        for number in 0..3 {
            mailer.send(&mail(number)).await.unwrap();
        }
        assert_eq!((server.opened(), server.received().len()), (2, 3), "{at}");
    }
}

#[tokio::test]
async fn what_is_offered_after_starttls_counts() {
    for tls in [Tls::Start, Tls::Implicit] {
        let server = Server::new(|when| match when.moment {
            "MAIL" => Act::Reply("451 4.3.0 later".into()),
            _ => Act::Normal,
        });
        let server = server.tls(tls).pipelining(true).start().await;
        let sent = client::send(&options(&server), server.certificate_pem(), 1).await;
        let error = sent.unwrap_err();
        assert!(matches!(error, MailError::Transient(_)), "{error:?}");
        server.wait_for_closed(1).await;
        assert!(server.heard().contains(&"DATA".to_owned()), "{:?}", server.heard());
    }
}
