//! What an operator should know about the mail server: each problem with its remedy. Goes as far as
//! the sender's address, and takes that back: no mail is ever sent.

mod remedies;

use domain::{ErrorChain, Finding};
use lettre::Address;
use lettre::transport::smtp::commands::{Mail, Rset};

use super::composer::Composer;
use super::connector::Connector;
use super::error::{SmtpError, Step};
use super::mailer::with_timeout;
use super::options::{SmtpOptions, SmtpOptionsError, SmtpTls};
use super::session::Session;
use crate::diagnosis::judge_encryption;

const CONNECTION: &str = "smtp.connection";
const GREETING: &str = "smtp.greeting";
const TLS: &str = "smtp.tls";
const LOGIN: &str = "smtp.login";
const SENDER: &str = "smtp.sender";

/// Looks at the way to the server, its TLS, the login, and whether it takes mails from this sender.
pub async fn diagnose(options: SmtpOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(last) = examine(&options, &mut findings).await {
        findings.push(last);
    }
    findings
}

/// Ends with the finding after which nothing more can be asked.
async fn examine(options: &SmtpOptions, findings: &mut Vec<Finding>) -> Result<(), Finding> {
    let setup = |error: SmtpOptionsError| {
        Finding::error(CONNECTION, error.to_string(), "correct the sections [smtp] and [mail]")
    };
    let connector = Connector::new(options).map_err(setup)?;
    Composer::new(options).map_err(setup)?;
    let sender: Address =
        options.from_address.parse().map_err(|_| setup(SmtpOptionsError::FromAddress))?;
    let connected = with_timeout(options.timeout, connector.connect()).await;
    let mut session = connected.map_err(|error| refusal(options, &error))?;
    findings.push(Finding::ok(
        CONNECTION,
        format!("connected to {}:{}, and greeted", options.host, options.port),
    ));
    findings.push(judge_tls(options, &session));
    findings.push(judge_login(options));
    let taken = with_timeout(options.timeout, propose(&mut session, sender)).await;
    session.quit();
    taken.map_err(|error| refusal(options, &error))?;
    let message = format!("mails from {} are taken; none was sent", options.from_address);
    findings.push(Finding::ok(SENDER, message));
    Ok(())
}

/// Names the sender of a mail, and takes it back before there is a recipient.
async fn propose(session: &mut Session, sender: Address) -> Result<(), SmtpError> {
    let mail_from = Mail::new(Some(sender), Vec::new()).to_string();
    let commands = [(Step::MailFrom, mail_from), (Step::MailFrom, Rset.to_string())];
    session.ask(&commands).await
}

fn judge_tls(options: &SmtpOptions, session: &Session) -> Finding {
    let is_encrypted = options.tls != SmtpTls::None;
    let advice = if session.offers_starttls() {
        "the server offers STARTTLS: set smtp.tls to starttls"
    } else {
        "use a server with TLS, and set smtp.tls to starttls or implicit"
    };
    judge_encryption(TLS, &options.host, is_encrypted, advice)
}

fn judge_login(options: &SmtpOptions) -> Finding {
    match &options.credentials {
        Some(_) => Finding::ok(LOGIN, "the server takes user and password"),
        None => Finding::ok(LOGIN, "no login, as the settings say"),
    }
}

/// The failure of a step, in whose name it is reported.
fn refusal(options: &SmtpOptions, error: &SmtpError) -> Finding {
    let check = match remedies::step(error) {
        None | Some(Step::Connect) => CONNECTION,
        Some(Step::Greet) => GREETING,
        Some(Step::StartTls) => TLS,
        Some(Step::Authenticate) => LOGIN,
        Some(_) => SENDER,
    };
    let message = format!("{}:{}: {}", options.host, options.port, ErrorChain(error));
    Finding::error(check, message, remedies::remedy(options, error))
}
