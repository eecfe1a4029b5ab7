//! What to do when the conversation ends too soon.

use super::super::error::{SmtpError, Step};
use super::super::options::{SmtpOptions, SmtpTls};

/// Where mail servers talk to each other, which many networks block for everybody else.
const RELAY_PORT: u16 = 25;

const MODES: &str = "check smtp.host, smtp.port and smtp.tls: port 465 is for implicit, 587 and 25 \
                     are for starttls";

/// How far it got, if the error says so.
pub(super) fn step(error: &SmtpError) -> Option<Step> {
    match error {
        SmtpError::Refused { step, .. } | SmtpError::Broken { step, .. } => Some(*step),
        SmtpError::Timeout(_) | SmtpError::Composition(_) => None,
    }
}

pub(super) fn remedy(options: &SmtpOptions, error: &SmtpError) -> &'static str {
    let is_refused = matches!(error, SmtpError::Refused { .. });
    match step(error) {
        _ if error.to_string().contains("certificate") => {
            "set smtp.host to the name in the server's certificate, and SSL_CERT_FILE if your own \
             authority signed it"
        }
        Some(Step::Connect) if options.tls == SmtpTls::Implicit => MODES,
        Some(Step::Connect) if options.port == RELAY_PORT => {
            "check smtp.host; many networks block port 25, so try smtp.port 587 with starttls, or \
             465 with implicit TLS"
        }
        Some(Step::Connect) => "check smtp.host and smtp.port, and the firewalls in between",
        Some(Step::Greet) if is_refused => {
            "the server does not want to talk with this machine: ask whoever runs it"
        }
        None | Some(Step::Greet) => MODES,
        Some(Step::StartTls) if is_refused => "ask whoever runs the server, or try again later",
        Some(Step::StartTls) => {
            "set smtp.tls to what the server offers: implicit (port 465), or none if it is this \
             machine"
        }
        Some(Step::Authenticate) if is_refused => {
            "check smtp.username and smtp.password; some providers want a password made for \
             programs"
        }
        Some(Step::Authenticate) => {
            "the server offers no login that fits: check smtp.tls, since many offer it with TLS \
             only"
        }
        Some(_) if options.credentials.is_none() => {
            "set smtp.username and smtp.password if the server wants a login, or mail.from to a \
             sender that it knows"
        }
        Some(_) => "set mail.from to a sender for whom this login may send",
    }
}
