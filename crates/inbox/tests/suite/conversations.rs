//! What mail programs, and things that are none, say to an SMTP server.

use futures::future::join_all;
use inbox::Envelope;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use test_support::soon;

use crate::harness::{Smtp, mail, send, start};

#[tokio::test]
async fn a_mail_is_kept_byte_for_byte() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    assert!(
        smtp.command("MAIL FROM:<ann@example.com> BODY=8BITMIME SIZE=120").await.starts_with("250")
    );
    assert!(smtp.command("RCPT TO:<bob@example.com>").await.starts_with("250"));
    assert!(smtp.command("DATA").await.starts_with("354"));
    let sent = b"Subject: \xc3\xbcber\r\n\r\n8 bits: \xc3\xa4 and \xff, a bare\nline end\r\n";
    smtp.write(sent).await;
    assert!(smtp.command(".").await.starts_with("250"));
    let mail = inbox.mailbox().get("latest").unwrap();
    assert_eq!(mail.raw, sent);
    assert_eq!(
        mail.envelope,
        Envelope { from: "ann@example.com".into(), to: vec!["bob@example.com".into()] }
    );
    assert_eq!(mail.overview.subject, "über");
}

#[tokio::test]
async fn what_is_offered_is_what_works() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    let offer = smtp.command("EHLO again.example").await;
    let lines: Vec<_> = offer.lines().map(|line| &line[4..]).collect();
    assert_eq!(lines, ["inbox", "PIPELINING", "SIZE 1048576", "SMTPUTF8", "8BITMIME"]);
    assert!(smtp.command("MAIL FROM:<> SMTPUTF8").await.starts_with("250"));
    assert!(smtp.command("RSET").await.starts_with("250"));
    assert!(smtp.command("NOOP").await.starts_with("250"));
    assert!(smtp.command("VRFY ada").await.starts_with("252"));
    assert!(smtp.command("HELP").await.starts_with("214"));
    assert!(smtp.command("HELO old.example").await.starts_with("250"));
    assert!(smtp.command("QUIT").await.starts_with("221"));
    assert_eq!(smtp.rest().await, "");
}

#[tokio::test]
async fn commands_may_come_all_at_once_or_byte_by_byte() {
    let inbox = start().await;
    let conversation = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n\
        MAIL FROM:<a@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\nSubject: y\r\n\r\nho\r\n.\r\nQUIT\r\n";
    let mut pipelined = Smtp::connect(&inbox).await;
    pipelined.write(conversation).await;
    let mut slow = Smtp::connect(&inbox).await;
    for byte in conversation {
        slow.write(&[*byte]).await;
    }
    for mut smtp in [pipelined, slow] {
        let replies = smtp.rest().await;
        let codes: Vec<_> = replies.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["250", "250", "354", "250", "250", "250", "354", "250", "221"]);
    }
    let subjects: Vec<_> =
        inbox.mailbox().entries().iter().map(|entry| entry.mail.overview.subject.clone()).collect();
    assert_eq!(subjects, ["y", "x", "y", "x"]);
    assert_eq!(inbox.mailbox().get("latest").unwrap().raw, b"Subject: y\r\n\r\nho\r\n");
}

#[tokio::test]
async fn dots_at_the_beginning_of_lines_survive() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    smtp.announce("bob@example.com").await;
    smtp.write(b"..first\r\n..\r\n.. .\r\na.\r\n...\r\n\r\n..last\r\n").await;
    assert!(smtp.command(".").await.starts_with("250"));
    let raw = inbox.mailbox().get("latest").unwrap().raw.clone();
    assert_eq!(String::from_utf8(raw).unwrap(), ".first\r\n.\r\n. .\r\na.\r\n..\r\n\r\n.last\r\n");
    smtp.announce("bob@example.com").await;
    assert!(smtp.command(".").await.starts_with("250"), "an empty mail ends at once");
    assert_eq!(inbox.mailbox().get("latest").unwrap().raw, b"");
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_refused_and_the_next_one_taken() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    assert!(smtp.command("MAIL FROM:<a@example.com> SIZE=1048577").await.starts_with("552"));
    smtp.announce("bob@example.com").await;
    let line = [vec![b'x'; 998], b"\r\n".to_vec()].concat();
    for _ in 0..1_100 {
        smtp.write(&line).await;
    }
    assert!(smtp.command(".").await.starts_with("552"));
    assert!(inbox.mailbox().entries().is_empty());
    assert!(smtp.send("bob@example.com", "Subject: small\n\nhi\n").await.starts_with("250"));
    assert_eq!(inbox.mailbox().entries().len(), 1);
    smtp.announce("bob@example.com").await;
    smtp.write(&vec![b'y'; 1024 * 1024 - 2]).await;
    assert!(smtp.command("\r\n.").await.starts_with("250"), "the largest mail is taken");
}

#[tokio::test]
async fn nonsense_is_answered_and_forgotten() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    let cases = [
        ("GET / HTTP/1.1", "500"),
        ("DATA", "503"),
        ("RCPT TO:<bob@example.com>", "503"),
        ("MAIL FROM:ann", "501"),
        ("MAIL FROM:<ann@example.com> WONDER=1", "555"),
        ("STARTTLS", "502"),
        ("AUTH PLAIN AGEAYg==", "502"),
        ("MAIL FROM:<ann@example.com>", "250"),
        ("MAIL FROM:<ann@example.com>", "503"),
        ("DATA", "503"),
        ("RCPT TO:<bob@example.com>", "250"),
        ("DATA", "354"),
        (".", "250"),
    ];
    for (line, expected) in cases {
        let reply = smtp.command(line).await;
        assert!(reply.starts_with(expected), "{line}: {reply}");
        assert!(!reply.contains("WONDER"));
    }
    let mut early = Smtp::connect_silently(&inbox).await;
    early.reply().await;
    assert!(early.command("MAIL FROM:<ann@example.com>").await.starts_with("503"));
}

#[tokio::test]
async fn who_speaks_no_smtp_is_shown_the_door() {
    let inbox = start().await;
    let mut lines = Smtp::connect(&inbox).await;
    lines.write("nonsense\r\n".repeat(20).as_bytes()).await;
    assert!(lines.rest().await.ends_with("421 too many errors\r\n"));
    let mut long = Smtp::connect(&inbox).await;
    long.write(&vec![b'a'; 100_000]).await;
    assert!(long.rest().await.lines().all(|line| line.starts_with("500")));
    let mut binary = Smtp::connect(&inbox).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(65_536).collect();
    binary.write(&bytes).await;
    binary.rest().await;
    send(&inbox, "bob@example.com", "Subject: still here\n\nyes\n").await;
}

#[tokio::test]
async fn a_mail_has_at_most_a_hundred_recipients() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    smtp.command("MAIL FROM:<a@example.com>").await;
    for number in 0..100 {
        assert!(smtp.command(&format!("RCPT TO:<r{number}@example.com>")).await.starts_with("250"));
    }
    assert!(smtp.command("RCPT TO:<one-too-many@example.com>").await.starts_with("452"));
}

#[tokio::test]
async fn each_mail_of_a_connection_is_its_own() {
    let inbox = start().await;
    let mut smtp = Smtp::connect(&inbox).await;
    for number in 0..20 {
        let to = format!("user{number}@example.com");
        smtp.send(&to, &mail(&to, &format!("Mail {number}"), &format!("{number:04}"))).await;
        let mail = inbox.mailbox().get("latest").unwrap();
        assert_eq!(mail.envelope.to, [to]);
        assert_eq!(mail.overview.subject, format!("Mail {number}"));
        assert_eq!(mail.content().text.trim_end(), format!("Your code:\r\n\r\n{number:04}"));
    }
}

#[tokio::test]
async fn a_hundred_connections_at_a_time_are_served() {
    let inbox = start().await;
    let clients = (0..100).map(async |client| {
        let mut smtp = Smtp::connect(&inbox).await;
        for number in 0..5 {
            let to = format!("c{client}n{number}@example.com");
            assert!(smtp.send(&to, &mail(&to, "Hello", "1234")).await.starts_with("250"));
        }
    });
    soon("the end of all conversations", join_all(clients)).await;
    let mut recipients: Vec<_> =
        inbox.mailbox().entries().iter().map(|entry| entry.mail.envelope.to[0].clone()).collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!(recipients.len(), 500);
}

#[tokio::test]
async fn too_many_connections_are_turned_away_politely() {
    let inbox = start().await;
    let mut open = Vec::new();
    for _ in 0..256 {
        open.push(Smtp::connect(&inbox).await);
    }
    let mut late = Smtp::connect_silently(&inbox).await;
    assert!(late.reply().await.starts_with("421"));
    assert!(open[0].command("NOOP").await.starts_with("250"));
}

#[tokio::test]
async fn a_common_mail_library_gets_along() {
    let inbox = start().await;
    let address = inbox.smtp_address();
    let transport =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
            .build();
    for name in ["Ada", "Grüße"] {
        let mail = Message::builder()
            .from("Acme <no-reply@acme.example>".parse().unwrap())
            .to("ada@example.com".parse().unwrap())
            .subject(format!("Hello {name}"))
            .body(format!("Dear {name}\r\n.\r\nbye"))
            .unwrap();
        soon("the acceptance", transport.send(mail)).await.unwrap();
        let received = inbox.mailbox().get("latest").unwrap();
        assert_eq!(received.overview.subject, format!("Hello {name}"));
        assert_eq!(received.content().text.trim_end(), format!("Dear {name}\r\n.\r\nbye"));
    }
}
