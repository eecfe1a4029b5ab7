//! Replies that the RFC allows, or that servers send all the same: the code decides (RFC 5321
//! section 4.2).

use adapters::smtp::{SmtpCredentials, SmtpMailer, SmtpOptions, SmtpTls};
use domain::ports::{MailError, Mailer};
use test_support::smtp_server::{Act, Login, Running, Server, Tls};

use crate::client;
use crate::fixtures::{mail, mailer, options};

/// A server that sends these bytes at one moment.
async fn server(at: &'static str, bytes: &[u8], tls: Tls) -> Running {
    let act = Act::Raw(bytes.to_vec());
    let server = Server::new(move |when| if when.moment == at { act.clone() } else { Act::Normal });
    server.tls(tls).start().await
}

/// A mail is accepted, once and over one connection, although the server says this.
async fn assert_accepted(at: &'static str, bytes: &[u8]) {
    let server = server(at, bytes, Tls::None).await;
    let sent = mailer(&server).send(&mail(1)).await;
    let said = String::from_utf8_lossy(bytes);
    assert!(sent.is_ok(), "{at}: {said}: {sent:?}");
    assert_eq!((server.received().len(), server.opened()), (1, 1), "{at}: {said}");
}

#[tokio::test]
async fn rfc_5321_text_in_any_charset_does_not_change_what_a_code_says() {
    for tls in [Tls::None, Tls::Start, Tls::Implicit] {
        for at in ["CONNECT", "EHLO", "MAIL", "RCPT", "CONTENT"] {
            let bytes: &[u8] = match (at, tls) {
                ("CONNECT", _) => b"220 serveur pr\xeat\r\n",
                ("EHLO", Tls::Start) => b"250-pr\xeat\r\n250 STARTTLS\r\n",
                ("EHLO", _) => b"250 pr\xeat\r\n",
                _ => b"250 2.0.0 accept\xe9\r\n",
            };
            let server = server(at, bytes, tls).await;
            client::send(&options(&server), server.certificate_pem(), 2).await.unwrap();
            assert_eq!((server.received().len(), server.opened()), (2, 1), "{at}");
        }
    }
    assert_accepted("DATA", b"354 vas-y, \xe9cris\r\n").await;
    let unknown = server("RCPT", b"550 5.1.1 Empf\xe4nger unbekannt\r\n", Tls::None).await;
    let refused = mailer(&unknown).send(&mail(1)).await;
    assert!(matches!(refused, Err(MailError::Permanent(_))), "{refused:?}");
    let unknown = server("RCPT", b"550 Empf\xe4nger unbekannt\r\n", Tls::None).await;
    let refused = mailer(&unknown).send(&mail(1)).await;
    assert!(matches!(refused, Err(MailError::Permanent(_))), "{refused:?}");
}

#[tokio::test]
async fn rfc_5321_a_code_needs_no_text() {
    for (at, code) in [
        ("CONNECT", "220"),
        ("EHLO", "250"),
        ("MAIL", "250"),
        ("RCPT", "250"),
        ("DATA", "354"),
        ("CONTENT", "250"),
    ] {
        for line in
            [format!("{code}\r\n"), format!("{code} \r\n"), format!("{code}-\r\n{code}\r\n")]
        {
            assert_accepted(at, line.as_bytes()).await;
        }
    }
}

#[tokio::test]
async fn rfc_5321_a_reply_may_have_several_lines() {
    for (at, bytes) in [
        ("CONNECT", &b"220-test ESMTP\r\n220-no spam\r\n220 welcome\r\n"[..]),
        ("MAIL", b"250-2.1.0 ok\r\n250-\r\n250 2.1.0 indeed\r\n"),
        ("DATA", b"354-go on\r\n354 end with a dot\r\n"),
        ("CONTENT", b"250-2.0.0 accepted\r\n250 2.0.0 as 4711\r\n"),
    ] {
        assert_accepted(at, bytes).await;
    }
}

#[tokio::test]
async fn a_reply_whose_line_ends_or_code_are_unusual_is_understood() {
    assert_accepted("CONTENT", b"250 accepted\n").await;
    assert_accepted("CONTENT", b"250-accepted\n250 by a server of old\n").await;
    assert_accepted("CONTENT", b"260 accepted\r\n").await;
    let server = server("RCPT", b"571 delivery not authorised\r\n", Tls::None).await;
    let error = mailer(&server).send(&mail(1)).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("code: 500"),
        "the first digit is what it means: {error:?}"
    );
}

#[tokio::test]
async fn rfc_5321_ehlo_keywords_have_no_case() {
    for (starttls, auth) in
        [("starttls", "auth plain"), ("StartTLS", "Auth Login"), ("STARTTLS", "AUTH lOGIN pLAIN")]
    {
        let login = Login {
            mechanism: "unused: the script says it",
            username: "signup",
            password: "password",
        };
        let reply = format!("250-Test\r\n250-8bitmime\r\n250-{starttls}\r\n250 {auth}");
        let server = Server::new(move |when| {
            if when.moment == "EHLO" { Act::Reply(reply.clone()) } else { Act::Normal }
        });
        let server = server.tls(Tls::Start).login(login).start().await;
        let credentials =
            SmtpCredentials { username: "signup".into(), password: "password".to_owned().into() };
        let options = SmtpOptions { credentials: Some(credentials), ..options(&server) };
        client::send(&options, server.certificate_pem(), 1).await.unwrap();
        assert!(server.received()[0].authenticated && server.received()[0].encrypted);
    }
}

#[tokio::test]
async fn auth_login_prompts_for_the_name_and_then_the_password_in_any_words() {
    // "User:" and "Pass:"; "Benutzername" in ISO 8859-1; nothing; what is not even base64.
    for (username, password) in [
        (&b"334 VXNlcjo=\r\n"[..], &b"334 UGFzczo=\r\n"[..]),
        (b"334 SWRlbnRpdOk=\r\n", b"334 TW90IGRlIHBhc3Pp\r\n"),
        (b"334\r\n", b"334 \r\n"),
        (b"334 Username:\r\n", b"334 Password:\r\n"),
    ] {
        let login = Login { mechanism: "LOGIN", username: "signup", password: "password" };
        let server = Server::new(move |when| match when.moment {
            "USERNAME" => Act::Raw(username.to_vec()),
            "PASSWORD" => Act::Raw(password.to_vec()),
            _ => Act::Normal,
        });
        let server = server.login(login).start().await;
        let credentials =
            SmtpCredentials { username: "signup".into(), password: "password".to_owned().into() };
        let options = SmtpOptions { credentials: Some(credentials), ..options(&server) };
        SmtpMailer::new(&options).unwrap().send(&mail(1)).await.unwrap();
        assert!(server.received()[0].authenticated);
    }
}

/// RFC 5321 section 3.2.
#[tokio::test]
async fn rfc_5321_a_server_without_ehlo_is_greeted_with_helo() {
    for (tls, reply) in
        [(Tls::None, "502 5.5.1 not implemented"), (Tls::None, "500 what?"), (Tls::Implicit, "502")]
    {
        let server =
            Server::new(
                move |when| {
                    if when.moment == "EHLO" { Act::Reply(reply.into()) } else { Act::Normal }
                },
            );
        let server = server.tls(tls).start().await;
        client::send(&options(&server), server.certificate_pem(), 2).await.unwrap();
        assert_eq!((server.received().len(), server.opened()), (2, 1));
        assert_eq!(server.heard()[..3], ["EHLO", "HELO", "MAIL"]);
    }
}

#[tokio::test]
async fn asvs_12_3_1_helo_never_replaces_tls_or_a_login() {
    let refuse = || {
        Server::new(|when| {
            if when.moment == "EHLO" {
                Act::Reply("502 5.5.1 not implemented".into())
            } else {
                Act::Normal
            }
        })
    };
    let starttls = refuse().tls(Tls::Start).start().await;
    let plain = refuse().start().await;
    let credentials =
        SmtpCredentials { username: "signup".into(), password: "password".to_owned().into() };
    for (server, options) in [
        (&starttls, options(&starttls)),
        (&plain, SmtpOptions { tls: SmtpTls::StartTls, ..options(&plain) }),
        (&plain, SmtpOptions { credentials: Some(credentials), ..options(&plain) }),
    ] {
        let error = SmtpMailer::new(&options).unwrap().send(&mail(1)).await.unwrap_err();
        assert!(matches!(error, MailError::SenderRefused(_)), "{error:?}");
        assert!(format!("{error:?}").contains("code: 502"), "{error:?}");
        assert!(server.received().is_empty());
        assert!(
            server.heard().iter().all(|verb| ["EHLO", "QUIT"].contains(&verb.as_str())),
            "{:?}",
            server.heard()
        );
    }
}

#[tokio::test]
async fn asvs_13_1_3_a_reply_is_read_up_to_a_bound_and_long_text_is_cut() {
    let long = [&b"250 2.0.0 "[..], &vec![b'a'; 20_000], b"\r\n"].concat();
    assert_accepted("CONTENT", &long).await;
    assert_accepted("EHLO", &[&b"250-test\r\n"[..], &long].concat()).await;
    let line_without_end = [&b"250 "[..], &vec![b'a'; 1 << 20]].concat();
    let reply_without_end = b"250-and another\r\n".repeat(1 << 16);
    for (bytes, tls) in [&line_without_end, &reply_without_end]
        .into_iter()
        .flat_map(|bytes| [Tls::None, Tls::Start].map(|tls| (bytes, tls)))
    {
        for at in ["CONNECT", "EHLO"] {
            let server = server(at, bytes, tls).await;
            let error = mailer(&server).send(&mail(1)).await.unwrap_err();
            assert!(matches!(error, MailError::Transient(_)));
            assert!(format!("{error:?}").contains("too long"), "{at}: {error:?}");
        }
    }
}
