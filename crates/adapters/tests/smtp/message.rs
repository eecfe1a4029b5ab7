//! What arrives is what was meant, and readable on the way.

use adapters::smtp::{SmtpMailer, SmtpOptions, SmtpOptionsError};
use domain::EmailAddress;
use domain::ports::{Mail, Mailer};
use mail_parser::{HeaderValue, MessageParser, MimeHeaders};
use test_support::smtp_server::{Received, Server};

use crate::fixtures::{mail, mailer, options};

async fn send(mail: &Mail) -> Received {
    let server = Server::well_behaved().start().await;
    mailer(&server).send(mail).await.unwrap();
    server.received().pop().unwrap()
}

#[tokio::test]
async fn rfc_3834_a_mail_has_both_forms_and_the_headers_of_an_automatic_mail() {
    let received = send(&mail(1)).await;
    assert_eq!(received.from, "signup@sender.example");
    assert_eq!(received.to, ["ada@recipient.example"]);
    let parsed = MessageParser::new().parse(&received.content).unwrap();
    assert_eq!(parsed.subject(), Some("Mail 1"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Signup"));
    assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("signup@sender.example"));
    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("ada@recipient.example"));
    assert_eq!(parsed.message_id(), Some("019767c5-9a00-7000-8000-00000000002a.1@sender.example"));
    assert!(parsed.date().is_some());
    assert!(
        matches!(parsed.header("Auto-Submitted"), Some(HeaderValue::Text(text)) if text == "auto-generated")
    );
    assert_eq!(parsed.content_language().as_text(), Some("en"));
    let content_type = parsed.content_type().unwrap();
    assert_eq!((content_type.ctype(), content_type.subtype()), ("multipart", Some("alternative")));
    assert_eq!(parsed.body_text(0).unwrap().trim_end(), "Your code is 4711.");
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>Your code is <b>4711</b>.</p>");
    assert!(received.content.contains("\r\nYour code is 4711.\r\n"), "readable as it is");
}

#[tokio::test]
async fn rfc_5322_the_same_mail_has_the_same_message_id_at_every_attempt() {
    let id = |received: &Received| {
        MessageParser::new().parse(&received.content).unwrap().message_id().unwrap().to_owned()
    };
    assert_eq!(id(&send(&mail(1)).await), id(&send(&mail(1)).await));
    assert_ne!(id(&send(&mail(1)).await), id(&send(&mail(2)).await));
}

#[tokio::test]
async fn text_in_any_script_and_of_any_shape_arrives_as_it_was() {
    let long = "word ".repeat(400);
    for text in [
        "Ihr Code für Bücher: 4711",
        "ваш код 4711",
        "你的验证码是 4711",
        ".\n..\n. dots\n.",
        &long,
        "tail=\n\n",
    ] {
        let received = send(&Mail {
            subject: format!("✓ {}", text.lines().next().unwrap()),
            text: text.into(),
            html: format!("<p>{text}</p>"),
            ..mail(1)
        })
        .await;
        assert!(received.content.is_ascii());
        assert!(received.content.lines().all(|line| line.len() <= 998), "RFC 5322 section 2.1.1");
        assert!(!received.content.contains("base64\r\n"), "{text}");
        let parsed = MessageParser::new().parse(&received.content).unwrap();
        let unfold = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
        assert_eq!(unfold(&parsed.body_text(0).unwrap()), text.trim_end());
        assert_eq!(unfold(&parsed.body_html(0).unwrap()), unfold(&format!("<p>{text}</p>")));
        assert_eq!(
            parsed.subject().unwrap().trim_end(),
            format!("✓ {}", text.lines().next().unwrap()).trim_end()
        );
    }
}

#[tokio::test]
async fn answers_go_where_the_operator_reads_them() {
    let server = Server::well_behaved().start().await;
    let with_reply_to = |name: &str, address: &str| SmtpOptions {
        reply_to: Some((name.into(), address.into())),
        ..options(&server)
    };
    let mailer = SmtpMailer::new(&with_reply_to("Käte, Help", "help@reply.example")).unwrap();
    mailer.send(&mail(1)).await.unwrap();
    let received = server.received().pop().unwrap();
    let parsed = MessageParser::new().parse(&received.content).unwrap();
    let reply_to = parsed.reply_to().unwrap().first().unwrap();
    assert_eq!(
        (reply_to.name(), reply_to.address()),
        (Some("Käte, Help"), Some("help@reply.example"))
    );
    for (name, address) in [
        ("", "nobody"),
        ("", "a@b.example\r\nBcc: eve@evil.example"),
        ("Help\r\nBcc: eve@evil.example", "help@reply.example"),
    ] {
        let refused = SmtpMailer::new(&with_reply_to(name, address)).err();
        assert_eq!(refused, Some(SmtpOptionsError::ReplyTo), "{name} {address}");
    }
    let from_name = "Signup\r\nBcc: eve@evil.example".into();
    let refused = SmtpMailer::new(&SmtpOptions { from_name, ..options(&server) }).err();
    assert_eq!(refused, Some(SmtpOptionsError::FromName));
}

#[tokio::test]
async fn asvs_1_3_11_nothing_in_a_mail_becomes_a_header_or_a_command() {
    let received = send(&Mail {
        language: "en\r\nBcc: eve@evil.example".into(),
        to: EmailAddress::parse("o'brien+!#$%&*/=?^_`{|}~@recipient.example").unwrap(),
        subject: "Hello\r\nBcc: eve@evil.example\r\n\r\nbody".into(),
        text: "one\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n".into(),
        ..mail(1)
    })
    .await;
    assert_eq!(received.to, ["o'brien+!#$%&*/=?^_`{|}~@recipient.example"]);
    let parsed = MessageParser::new().parse(&received.content).unwrap();
    assert!(parsed.bcc().is_none());
    assert!(parsed.body_text(0).unwrap().contains("\n.\r\nMAIL FROM"));
    assert_eq!(parsed.attachment_count(), 0);
}
