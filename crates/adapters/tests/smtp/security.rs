//! Whom the mailer talks to, and who it says it is.

use adapters::smtp::{SmtpCredentials, SmtpOptions, SmtpTls};
use domain::ports::MailError;
use test_support::smtp_server::{Act, Login, Received, Running, Server, Tls};

use crate::client;
use crate::fixtures::options;

async fn send(server: &Running, options: &SmtpOptions) -> Result<Received, MailError> {
    client::send(options, server.certificate_pem(), 1).await?;
    Ok(server.received().pop().unwrap())
}

fn assert_transient(result: &Result<Received, MailError>) {
    assert!(matches!(result, Err(MailError::Transient(_))));
}

#[tokio::test]
async fn asvs_12_3_1_the_conversation_is_encrypted_where_asked() {
    for (tls, encrypted) in [(Tls::None, false), (Tls::Start, true), (Tls::Implicit, true)] {
        let server = Server::well_behaved().tls(tls).start().await;
        assert_eq!(send(&server, &options(&server)).await.unwrap().encrypted, encrypted);
    }
}

#[tokio::test]
async fn asvs_12_3_2_a_certificate_must_be_trusted_and_fit_the_name() {
    for tls in [Tls::Start, Tls::Implicit] {
        let server = Server::well_behaved().tls(tls).start().await;
        let stranger = Server::well_behaved().tls(tls).start().await;
        let untrusted = client::send(&options(&server), stranger.certificate_pem(), 1).await;
        assert!(matches!(untrusted, Err(MailError::Transient(_))));
        let other_name = SmtpOptions { host: "127.0.0.1".into(), ..options(&server) };
        assert_transient(&send(&server, &other_name).await);
        assert!(server.received().is_empty());
    }
}

#[tokio::test]
async fn asvs_12_3_1_a_server_without_starttls_gets_no_mail_where_tls_is_asked() {
    let server = Server::well_behaved().start().await;
    let demanding = SmtpOptions { tls: SmtpTls::StartTls, ..options(&server) };
    assert_transient(&send(&server, &demanding).await);
    let refusing = Server::new(|when| {
        if when.moment == "STARTTLS" {
            Act::Reply("454 4.7.0 not available".into())
        } else {
            Act::Normal
        }
    });
    let refusing = refusing.tls(Tls::Start).start().await;
    assert_transient(&send(&refusing, &options(&refusing)).await);
    assert!(!refusing.heard().contains(&"MAIL".to_owned()));
}

#[tokio::test]
async fn asvs_12_3_1_what_was_said_before_tls_is_not_believed_after_it() {
    // Somebody on the way answers for the server, whose own answers the client would read too late.
    let injected =
        "220 go ahead\r\n250 hello\r\n250 sender\r\n250 recipient\r\n354 go on\r\n250 accepted";
    let server = Server::new(move |when| {
        if when.moment == "STARTTLS" { Act::Reply(injected.into()) } else { Act::Normal }
    });
    let server = server.tls(Tls::Start).start().await;
    let result = client::send(&options(&server), server.certificate_pem(), 1).await;
    assert!(matches!(result, Err(MailError::Transient(_))), "{result:?}");
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn the_user_is_authenticated_by_plain_or_login() {
    for mechanism in ["PLAIN", "LOGIN", "LOGIN PLAIN"] {
        let login = Login { mechanism, username: "signup", password: "pässword" };
        let server = Server::well_behaved().tls(Tls::Start).login(login).start().await;
        let credentials = |password: &str| {
            Some(SmtpCredentials {
                username: "signup".into(),
                password: password.to_owned().into(),
            })
        };
        let right = SmtpOptions { credentials: credentials("pässword"), ..options(&server) };
        let received = send(&server, &right).await.unwrap();
        assert!(received.authenticated && received.encrypted);
        let wrong = SmtpOptions { credentials: credentials("password"), ..options(&server) };
        let refused = send(&server, &wrong).await;
        assert!(matches!(refused, Err(MailError::SenderRefused(_))), "535 at AUTH");
        let anonymous = send(&server, &options(&server)).await;
        assert!(matches!(anonymous, Err(MailError::Refused(_))), "530 at DATA");
        assert!(!format!("{right:?}").contains("pässword"));
    }
}
