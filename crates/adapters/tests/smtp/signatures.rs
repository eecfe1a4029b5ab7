//! Which DKIM keys are taken, and what a signature covers. That it verifies is shown with another
//! implementation, in the tests of `acceptance`.

use adapters::smtp::{DkimKeyError, DkimOptions, SmtpMailer, SmtpOptions, SmtpOptionsError};
use domain::ports::Mailer;
use test_support::smtp_server::Server;

use crate::fixtures::{mail, options};

const ED25519: &str = include_str!("keys/ed25519.pem");

fn key(selector: &str, domain: &str, pem: &str) -> DkimOptions {
    DkimOptions { selector: selector.into(), domain: domain.into(), private_key: pem.into() }
}

#[tokio::test]
async fn keys_that_cannot_sign_well_are_refused() {
    let server = Server::well_behaved().start().await;
    let refusal = |dkim: DkimOptions| {
        SmtpMailer::new(&SmtpOptions { dkim: vec![dkim], ..options(&server) }).err()
    };
    for pem in [ED25519, include_str!("keys/rsa_pkcs1.pem")] {
        assert_eq!(refusal(key("mail.2026-1", "sender.example", pem)), None);
    }
    let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (pem, error) in [
        ("", DkimKeyError::NotPem),
        ("MC4CAQAwBQYDK2VwBCIEIA==", DkimKeyError::NotPem),
        ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", DkimKeyError::NotPem),
        (include_str!("keys/p256.pem"), DkimKeyError::UnknownAlgorithm),
        (include_str!("keys/rsa_1024.pem"), DkimKeyError::TooShort),
        (garbage, DkimKeyError::Damaged("InvalidEncoding".into())),
    ] {
        let refused = refusal(key("mail", "sender.example", pem));
        assert_eq!(refused, Some(SmtpOptionsError::DkimKey(error)), "{pem}");
    }
    for selector in ["", "a b", "a;b", "a..b", "a\r\nBcc: eve@evil.example"] {
        let refused = refusal(key(selector, "sender.example", ED25519));
        assert_eq!(refused, Some(SmtpOptionsError::DkimSelector), "{selector:?}");
        let refused = refusal(key("mail", selector, ED25519));
        assert_eq!(refused, Some(SmtpOptionsError::DkimDomain), "{selector:?}");
    }
}

#[tokio::test]
async fn a_signature_covers_the_whole_mail_and_each_header_once_more_than_it_is_there() {
    let server = Server::well_behaved().start().await;
    let dkim = vec![key("mail", "sender.example", ED25519)];
    let mailer = SmtpMailer::new(&SmtpOptions { dkim, ..options(&server) }).unwrap();
    mailer.send(&mail(1)).await.unwrap();
    let received = server.received().pop().unwrap().content;
    assert!(received.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;"));
    let field = received.split("\r\nFrom:").next().unwrap();
    assert!(field.lines().all(|line| line.len() <= 78), "{field}");
    let field = field.replace("\r\n\t", "").replace(' ', "");
    let tags: Vec<_> = field.split(';').filter_map(|tag| tag.split_once('=')).collect();
    let tag = |name| tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| *value);
    assert_eq!((tag("d"), tag("s"), tag("l")), (Some("sender.example"), Some("mail"), None));
    let signed: Vec<_> = tag("h").unwrap().split(':').collect();
    for (name, times) in
        [("From", 2), ("Subject", 2), ("Message-ID", 2), ("Cc", 1), ("Reply-To", 1)]
    {
        assert_eq!(signed.iter().filter(|signed| **signed == name).count(), times, "{name}");
    }
}
