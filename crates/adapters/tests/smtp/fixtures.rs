//! A mailer for a scripted server, and mails for it to send.

use std::time::Duration;

use adapters::smtp::{SmtpMailer, SmtpOptions, SmtpTls};
use domain::EmailAddress;
use domain::ports::Mail;
use test_support::install_crypto_provider;
use test_support::smtp_server::{Running, Tls};

/// Options that lead to the server. Over TLS only [`crate::client`] trusts its certificate.
pub(crate) fn options(server: &Running) -> SmtpOptions {
    let tls = match server.tls() {
        Tls::None => SmtpTls::None,
        Tls::Start => SmtpTls::StartTls,
        Tls::Implicit => SmtpTls::Implicit,
    };
    options_for("localhost", server.port(), tls)
}

/// Options that lead to a server at this address.
pub(crate) fn options_for(host: &str, port: u16, tls: SmtpTls) -> SmtpOptions {
    install_crypto_provider();
    SmtpOptions {
        host: host.into(),
        port,
        tls,
        credentials: None,
        from_name: "Signup".into(),
        from_address: "signup@sender.example".into(),
        reply_to: None,
        dkim: Vec::new(),
        message_id_domain: "sender.example".into(),
        timeout: Duration::from_secs(10),
        acceptance_timeout: Duration::from_secs(10),
        connections: 4,
        idle_time: Duration::from_mins(1),
    }
}

/// A mailer with these options.
pub(crate) fn mailer(server: &Running) -> SmtpMailer {
    SmtpMailer::new(&options(server)).unwrap()
}

pub(crate) fn mail(number: u32) -> Mail {
    Mail {
        message_id: format!("019767c5-9a00-7000-8000-00000000002a.{number}"),
        to: EmailAddress::parse("ada@recipient.example").unwrap(),
        language: "en".into(),
        subject: format!("Mail {number}"),
        text: "Your code is 4711.\n".into(),
        html: "<p>Your code is <b>4711</b>.</p>\n".into(),
    }
}
