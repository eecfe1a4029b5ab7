//! What went wrong with a mail, and whether a retry can succeed.
//!
//! The messages never contain the text of the server, which may repeat addresses. Its codes say
//! enough.

use std::time::Duration;

use domain::ports::MailError;
use lettre::transport::smtp::Error;

use super::enhanced_status::EnhancedStatus;

/// How far a conversation got: the last request to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connect,
    Greet,
    StartTls,
    Authenticate,
    MailFrom,
    RcptTo,
    Data,
    Content,
}

impl Step {
    /// Whether the server knows the recipient. Before that every refusal is about us or the server:
    /// a wrong password, an unknown sender, a blocked host.
    fn has_recipient(self) -> bool {
        matches!(self, Self::RcptTo | Self::Data | Self::Content)
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpError {
    #[error("the mail server answered {step} with {code}{}", spaced(*.status))]
    Refused { step: Step, code: u16, status: Option<EnhancedStatus> },
    #[error("the conversation with the mail server broke at {step}: {cause}")]
    Broken { step: Step, cause: String },
    #[error("the mail server did not answer in {0:?}")]
    Timeout(Duration),
    #[error("the mail cannot be composed: {0}")]
    Composition(String),
}

impl SmtpError {
    pub(super) fn at(step: Step, error: &Error) -> Self {
        if let Some(code) = error.status() {
            let text =
                std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            return Self::refused(step, code.into(), &text);
        }
        // The error of an unreadable reply repeats its text.
        let cause = if error.is_response() {
            "the connection was closed, or the reply is not SMTP".into()
        } else {
            error.to_string()
        };
        Self::Broken { step, cause }
    }

    /// The server has replied with this code and text.
    pub(super) fn refused(step: Step, code: u16, text: &str) -> Self {
        Self::Refused { step, code, status: EnhancedStatus::find(text) }
    }

    /// Whether the server closed a kept connection before it could have accepted the mail: a new
    /// connection can then be tried at once, without any risk of sending the mail twice.
    pub(super) fn is_stale_connection(&self) -> bool {
        match self {
            Self::Broken { step, .. } => *step != Step::Content,
            // RFC 5321 section 3.8: "service not available, closing transmission channel".
            Self::Refused { step, code, .. } => *step != Step::Content && *code == 421,
            Self::Timeout(_) | Self::Composition(_) => false,
        }
    }

    /// Whether the server has replied, so that QUIT can be sent.
    pub(super) fn is_reply(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// Whether a reply is more than "not now". A status of class 4 says that it will pass.
fn is_refusal(code: u16, status: Option<EnhancedStatus>) -> bool {
    (500..600).contains(&code) && !status.is_some_and(EnhancedStatus::is_transient)
}

/// Whether a refusal of a mail is about its recipient or itself: then no retry can change it. What
/// is about the sender or the system will be fixed by an operator, or passes, so the mail waits.
///
/// - The enhanced status says what it is about, wherever it comes.
/// - Without one, some codes say it: at RCPT TO 550, 551 and 553 are about the mailbox, after the
///   content 552 and 554 about the mail (RFC 5321 section 4.3.2), and 556 about the recipient's
///   domain (RFC 7504).
fn is_final(step: Step, code: u16, status: Option<EnhancedStatus>) -> bool {
    match status {
        Some(status) => code == 556 || status.is_about_mailbox_or_mail(),
        None => {
            matches!(
                (step, code),
                (_, 556) | (Step::RcptTo, 550 | 551 | 553) | (Step::Content, 552 | 554)
            )
        }
    }
}

fn spaced(status: Option<EnhancedStatus>) -> String {
    status.map(|status| format!(" {status}")).unwrap_or_default()
}

impl From<SmtpError> for MailError {
    fn from(error: SmtpError) -> Self {
        match error {
            SmtpError::Composition(_) => Self::Permanent(error.into()),
            SmtpError::Refused { step, code, status } if is_refusal(code, status) => {
                if !step.has_recipient() {
                    Self::SenderRefused(error.into())
                } else if is_final(step, code, status) {
                    Self::Permanent(error.into())
                } else {
                    Self::Refused(error.into())
                }
            }
            SmtpError::Refused { .. } | SmtpError::Broken { .. } | SmtpError::Timeout(_) => {
                Self::Transient(error.into())
            }
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Greet => "the greeting",
            Self::StartTls => "STARTTLS",
            Self::Authenticate => "AUTH",
            Self::MailFrom => "MAIL FROM",
            Self::RcptTo => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "the content",
        })
    }
}

#[cfg(test)]
mod tests {
    use Step::{Authenticate, Content, Data, Greet, MailFrom, RcptTo, StartTls};

    use super::*;

    /// A code and its text, at which step it is given, and whether it is final.
    const REFUSALS: &[(u16, &str, &[Step], bool)] = &[
        // The recipient, or the mail.
        (550, "5.1.0 address rejected", &[RcptTo, Data, Content], true),
        (550, "5.1.1 no such user", &[RcptTo, Data, Content], true),
        (550, "5.1.2 no such host", &[RcptTo, Content], true),
        (501, "5.1.3 bad address", &[RcptTo], true),
        (553, "5.1.4 ambiguous", &[RcptTo], true),
        (551, "5.1.6 moved", &[RcptTo], true),
        (550, "5.1.9 relays to a host without mail", &[RcptTo], true),
        (556, "5.1.10 null MX", &[RcptTo], true),
        (550, "5.2.0 mailbox", &[RcptTo, Data, Content], true),
        (550, "5.2.1 disabled", &[RcptTo], true),
        (552, "5.2.2 full", &[RcptTo, Content], true),
        (552, "5.3.4 too big", &[RcptTo, Content], true),
        (554, "5.6.0 refused", &[Content], true),
        (554, "5.6.1 media", &[RcptTo, Content], true),
        (550, "#5.1.0 address rejected", &[RcptTo], true),
        // The sender or the system, wherever it comes.
        (550, "5.1.5 valid", &[RcptTo], false),
        (550, "5.1.7 bad sender", &[RcptTo, Data, Content], false),
        (550, "5.1.8 sender's host not found", &[RcptTo, Data, Content], false),
        (554, "5.3.0 system", &[RcptTo, Data, Content], false),
        (554, "5.3.2 not accepting", &[RcptTo, Data, Content], false),
        (550, "5.4.1 access denied", &[RcptTo, Data, Content], false),
        (550, "5.4.5 daily quota exceeded", &[RcptTo, Data, Content], false),
        (503, "5.5.1 bad sequence", &[RcptTo, Data, Content], false),
        (554, "5.5.1 no valid recipients", &[Data], false),
        (554, "5.7.1 refused by policy", &[RcptTo, Data, Content], false),
        (550, "5.7.26 unauthenticated", &[RcptTo, Data, Content], false),
        (550, "#5.7.1 your access is denied", &[RcptTo], false),
        (550, "5.0.0 no", &[RcptTo, Content], false),
        // No status: the code, and where it comes.
        (550, "no such user", &[RcptTo], true),
        (551, "user not local", &[RcptTo], true),
        (553, "name not allowed", &[RcptTo], true),
        (552, "exceeded storage", &[Content], true),
        (554, "transaction failed", &[Content], true),
        (556, "no mail here", &[RcptTo, Data, Content], true),
        (550, "no", &[Data, Content], false),
        (551, "no", &[Content], false),
        (553, "no", &[Content], false),
        (552, "exceeded storage", &[RcptTo, Data], false),
        (554, "no", &[RcptTo, Data], false),
        (500, "what?", &[RcptTo, Data, Content], false),
        (502, "what?", &[RcptTo, Data, Content], false),
        (530, "who are you?", &[RcptTo, Data, Content], false),
        // A status of class 4 is the better judge.
        (550, "4.2.1 busy", &[RcptTo, Data, Content], false),
        (554, "4.6.0 later", &[Content], false),
        (556, "4.1.10 later", &[RcptTo], false),
        // Before there is a recipient.
        (550, "5.1.1 no", &[Greet, Authenticate, MailFrom], false),
        (556, "no", &[Greet, MailFrom], false),
        (554, "no", &[Greet, MailFrom], false),
        // For now.
        (450, "4.2.0 greylisted", &[MailFrom, RcptTo, Data, Content], false),
        (452, "5.2.2 full", &[RcptTo, Content], false),
    ];

    #[test]
    fn rfc_3463_code_and_subject_say_whether_a_refusal_is_final() {
        for (code, text, steps, is_final) in REFUSALS {
            for step in *steps {
                let error = MailError::from(SmtpError::refused(*step, *code, text));
                assert_eq!(
                    matches!(error, MailError::Permanent(_)),
                    *is_final,
                    "{code} {text} at {step}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_before_the_recipient_is_named_is_one_of_the_sender() {
        let is_of_sender = |step, code, text| {
            let error = MailError::from(SmtpError::refused(step, code, text));
            matches!(error, MailError::SenderRefused(_))
        };
        for step in [Greet, StartTls, Authenticate, MailFrom] {
            assert!(is_of_sender(step, 550, "5.1.1 no") && is_of_sender(step, 535, "no"));
            assert!(!is_of_sender(step, 451, "no") && !is_of_sender(step, 550, "4.7.0 later"));
        }
        for step in [RcptTo, Data, Content] {
            assert!(!is_of_sender(step, 550, "5.7.1 not you"));
        }
    }

    #[test]
    fn asvs_16_2_5_only_a_status_code_is_taken_from_a_reply() {
        let error = |text| SmtpError::refused(RcptTo, 550, text).to_string();
        assert_eq!(
            error("5.1.1 <ada@example.com>: no such user"),
            "the mail server answered RCPT TO with 550 5.1.1"
        );
        for text in ["<ada@example.com>: no such user", "4.x.1 no", "5.1.1.1 no", "10.0.0 no", ""] {
            assert_eq!(error(text), "the mail server answered RCPT TO with 550");
        }
    }
}
