//! What `doctor` looks at in every process that mails codes, whichever adapters it is wired to.

use domain::Finding;
use process::doctor::Examination;
use settings::Settings;

use crate::settings::templates;

const FROM: &str = "mail.from";

/// Domains that nobody can own (RFC 2606, RFC 6761, RFC 6762), or that are names of one machine.
const RESERVED: [&str; 10] = [
    "example",
    "example.com",
    "example.net",
    "example.org",
    "invalid",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "test",
];

/// Adds what is wrong with the mails, if anything is.
pub fn examine(settings: &Settings, examination: &mut Examination) {
    examination.usable(templates(settings));
}

/// Adds the check of their sender, if they go to a mail server.
pub fn examine_sender(settings: &Settings, examination: &mut Examination) {
    examination.note(judge_sender(settings));
}

fn judge_sender(settings: &Settings) -> Finding {
    let (_, address) = settings.mail.sender();
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    let is_below = |top: &str| domain.strip_suffix(top).is_some_and(|rest| rest.ends_with('.'));
    let is_reserved = RESERVED.iter().any(|top| domain == *top || is_below(top));
    if domain.is_empty() || is_reserved {
        return Finding::warning(
            FROM,
            format!("{address} is nobody's address: many servers refuse it, or take it for spam"),
            "set mail.from to an address of your own domain",
        );
    }
    Finding::ok(FROM, address)
}

#[cfg(test)]
mod tests {
    use domain::Severity;
    use settings::Sources;

    use super::*;

    #[test]
    fn a_sender_has_a_domain_of_its_own() {
        for (from, severity) in [
            ("Registration <no-reply@localhost.localdomain>", Severity::Warning),
            ("no-reply@Example.com", Severity::Warning),
            ("no-reply@mail.example.org", Severity::Warning),
            ("no-reply@localhost", Severity::Warning),
            ("no-reply", Severity::Warning),
            ("Shop <no-reply@shop.eu>", Severity::Ok),
            ("no-reply@myexample.com", Severity::Ok),
            ("no-reply@contest.com", Severity::Ok),
        ] {
            let settings = Sources::default().with("mail.from", &from).load().unwrap();
            assert_eq!(judge_sender(&settings).severity, severity, "{from}");
        }
    }
}
