//! A client that trusts the certificate of a test's server.

use std::io::Write;
use std::time::{Duration, Instant};

use adapters::smtp::{SmtpCredentials, SmtpMailer, SmtpOptions, SmtpTls};
use domain::ports::{MailError, Mailer};
use secrecy::ExposeSecret;
use test_support::run_client;

use crate::fixtures::{mail, options_for};

const SERVER: &str = "SMTP_TLS_CLIENT_SERVER";
const CREDENTIALS: &str = "SMTP_TLS_CLIENT_CREDENTIALS";
const MAILS: &str = "SMTP_TLS_CLIENT_MAILS";

/// Sends `mails` mails, one after the other, from a process that trusts the certificate `root`
/// (PEM). Returns the shortest time that one took, the first left aside; zero where there is no
/// other.
pub(crate) async fn send(
    options: &SmtpOptions,
    root: &str,
    mails: u32,
) -> Result<Duration, MailError> {
    let mut roots = tempfile::NamedTempFile::new().unwrap();
    roots.write_all(root.as_bytes()).unwrap();
    let server = format!("{} {} {:?}", options.host, options.port, options.tls);
    let credentials = options.credentials.as_ref().map(|SmtpCredentials { username, password }| {
        (CREDENTIALS, format!("{username} {}", password.expose_secret()))
    });
    let variables = [(SERVER, server), (MAILS, mails.to_string())].into_iter().chain(credentials);
    let output = run_client("client::client", roots.path(), variables).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let answer = |prefix| text.lines().find_map(|line| line.strip_prefix(prefix));
    if let Some(micros) = answer("sent: ") {
        return Ok(Duration::from_micros(micros.parse().unwrap()));
    }
    let failures = [
        answer("transient: ").map(|error| MailError::Transient(error.into())),
        answer("sender refused: ").map(|error| MailError::SenderRefused(error.into())),
        answer("refused: ").map(|error| MailError::Refused(error.into())),
    ];
    let failure = failures.into_iter().flatten().next();
    Err(failure.unwrap_or_else(|| panic!("the client said {text}")))
}

/// The client: does nothing when it is not started by [`send`].
#[tokio::test]
async fn client() {
    let Ok(server) = std::env::var(SERVER) else { return };
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
        Err(MailError::SenderRefused(error)) => println!("\nsender refused: {error}"),
        Err(MailError::Refused(error)) => println!("\nrefused: {error}"),
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
