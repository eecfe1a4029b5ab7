//! A client that trusts the certificate of a test's server.
//!
//! Which authorities are trusted is up to the system; `SSL_CERT_FILE` names others. The environment of a
//! process can't be changed while it runs, so the client is a run of this executable of its own.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use adapters::smtp::{SmtpCredentials, SmtpMailer, SmtpOptions, SmtpTls};
use domain::ports::{MailError, Mailer};
use secrecy::ExposeSecret;

use super::server::{mail, options_for};

const SERVER: &str = "SMTP_TLS_CLIENT_SERVER";
const CREDENTIALS: &str = "SMTP_TLS_CLIENT_CREDENTIALS";
const MAILS: &str = "SMTP_TLS_CLIENT_MAILS";

/// Sends `mails` mails, one after the other, from a process that trusts the certificate `root` (PEM). Returns the
/// shortest time that one took, the first left aside; zero where there is no other.
pub(crate) async fn send(options: &SmtpOptions, root: &str, mails: u32) -> Result<Duration, MailError> {
    let mut roots = tempfile::NamedTempFile::new().unwrap();
    roots.write_all(root.as_bytes()).unwrap();
    let mut client = Command::new(std::env::current_exe().unwrap());
    client
        .args(["--exact", "client::client", "--nocapture"])
        .env(SERVER, format!("{} {} {:?}", options.host, options.port, options.tls))
        .env(MAILS, mails.to_string())
        .env("SSL_CERT_FILE", roots.path())
        .env_remove("SSL_CERT_DIR");
    if let Some(SmtpCredentials { username, password }) = &options.credentials {
        client.env(CREDENTIALS, format!("{username} {}", password.expose_secret()));
    }
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let answer = |prefix| text.lines().find_map(|line| line.strip_prefix(prefix));
    match (answer("sent: "), answer("transient: ")) {
        (Some(micros), None) => Ok(Duration::from_micros(micros.parse().unwrap())),
        (None, Some(error)) => Err(MailError::Transient(error.into())),
        _ => panic!("the client said {text}"),
    }
}

/// The client: does nothing when it is not started by [`send`].
#[tokio::test]
async fn client() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let [host, port, tls] = server.split(' ').collect::<Vec<_>>()[..] else { panic!("{server}") };
    let tls = match tls {
        "StartTls" => SmtpTls::StartTls,
        "Implicit" => SmtpTls::Implicit,
        _ => SmtpTls::None,
    };
    let credentials = std::env::var(CREDENTIALS).ok().map(|text| {
        let (username, password) = text.split_once(' ').unwrap();
        SmtpCredentials { username: username.into(), password: password.into() }
    });
    let options = SmtpOptions { credentials, ..options_for(host, port.parse().unwrap(), tls) };
    let mailer = SmtpMailer::new(&options).unwrap();
    match shortest_time(&mailer, std::env::var(MAILS).unwrap().parse().unwrap()).await {
        Ok(time) => println!("\nsent: {}", time.as_micros()),
        Err(MailError::Transient(error)) => println!("\ntransient: {error}"),
        Err(error) => panic!("{error}"),
    }
}

async fn shortest_time(mailer: &SmtpMailer, mails: u32) -> Result<Duration, MailError> {
    mailer.send(&mail(1)).await?;
    let mut shortest = None;
    for number in 2..=mails {
        let started = Instant::now();
        mailer.send(&mail(number)).await?;
        shortest = shortest.into_iter().chain([started.elapsed()]).min();
    }
    Ok(shortest.unwrap_or_default())
}
