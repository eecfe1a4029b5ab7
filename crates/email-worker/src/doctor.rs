//! What `doctor` looks at in every process that mails codes, whichever adapters it is wired to.

use domain::Finding;
use process::doctor::Examination;
use settings::Settings;

use crate::settings::templates;

const FROM: &str = "mail.from";
const DKIM: &str = "mail.dkim_domain";

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

/// Adds the checks of their sender and signatures, if they go to a mail server.
pub fn examine_sender(settings: &Settings, examination: &mut Examination) {
    examination.note(judge_sender(settings));
    examination.note(judge_signatures(settings));
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

/// Whether the domain that signs is that of the sender, or one above or below it, as DMARC asks (RFC
/// 7489 section 3.1.1). The keys are looked at with the mail server.
fn judge_signatures(settings: &Settings) -> Finding {
    if settings.mail.dkim_selector.0.is_empty() {
        return Finding::ok(DKIM, "mails are not signed here; the mail server should do it");
    }
    let (_, address) = settings.mail.sender();
    let sender = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    let signer = settings.mail.dkim_domain().to_ascii_lowercase();
    let is_within = |inner: &str, outer: &str| {
        inner == outer || inner.strip_suffix(outer).is_some_and(|rest| rest.ends_with('.'))
    };
    if is_within(&sender, &signer) || is_within(&signer, &sender) {
        return Finding::ok(DKIM, format!("mails are signed for {signer}"));
    }
    Finding::warning(
        DKIM,
        format!("mails from {sender} are signed for {signer}, which does not count for DMARC"),
        "set mail.dkim_domain to the domain of mail.from, or leave it empty",
    )
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

    #[test]
    fn the_domain_that_signs_is_that_of_the_sender() {
        for (domain, severity) in [
            ("", Severity::Ok),
            ("Shop.eu", Severity::Ok),
            ("mail.shop.eu", Severity::Ok),
            ("myshop.eu", Severity::Warning),
            ("other.example", Severity::Warning),
        ] {
            let settings = Sources::default()
                .with("mail.from", &"no-reply@shop.eu")
                .with("mail.dkim_selector", &"mail")
                .with("mail.dkim_key_file", &"dkim.pem")
                .with("mail.dkim_domain", &domain)
                .load()
                .unwrap();
            assert_eq!(judge_signatures(&settings).severity, severity, "{domain}");
        }
    }
}
