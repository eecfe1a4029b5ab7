//! What went wrong with a mail, and whether a retry can succeed.
//!
//! The messages never contain the text of the server, which may repeat addresses. Its codes say
//! enough.

use std::time::Duration;

use domain::ports::MailError;
use lettre::transport::smtp::Error;

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

#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpError {
    #[error("the mail server answered {step} with {code}{status}")]
    Refused { step: Step, code: u16, status: EnhancedStatus },
    #[error("the conversation with the mail server broke at {step}: {cause}")]
    Broken { step: Step, cause: String },
    #[error("the mail server did not answer in {0:?}")]
    Timeout(Duration),
    #[error("the mail cannot be composed: {0}")]
    Composition(String),
}

/// The enhanced status code of a reply (RFC 3463), if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EnhancedStatus(Option<String>);

impl SmtpError {
    pub(super) fn at(step: Step, error: &Error) -> Self {
        if let Some(code) = error.status() {
            let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
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

    /// Whether the mail itself is refused for good.
    ///
    /// - Up to MAIL FROM, every refusal is about us or the server: a wrong password, an unknown
    ///   sender, a blocked host. An operator will fix it, so the mail waits.
    /// - From RCPT TO on, 5xx is about this recipient or this mail; except for the codes with which
    ///   a server refuses the client itself at this stage: syntax or sequence (500, 502, 503, 504)
    ///   and authentication (530, 534, 535, 538 of RFC 4954).
    /// - At RCPT TO, many servers use the enhanced status to refuse the client or the sender (RFC
    ///   3463: 5.7.* policy, 5.1.7 and 5.1.8 sender).
    fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { step: Step::RcptTo, status, .. } if status.is_about_sender() => false,
            Self::Refused { step: Step::RcptTo | Step::Data | Step::Content, code, .. } => {
                (500..600).contains(code) && !matches!(code, 500 | 502 | 503 | 504 | 530 | 534 | 535 | 538)
            }
            Self::Composition(_) => true,
            Self::Refused { .. } | Self::Broken { .. } | Self::Timeout(_) => false,
        }
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

impl From<SmtpError> for MailError {
    fn from(error: SmtpError) -> Self {
        if error.is_permanent() { Self::Permanent(error.into()) } else { Self::Transient(error.into()) }
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

impl EnhancedStatus {
    fn find(text: &str) -> Self {
        let first = text.split_whitespace().next().unwrap_or_default();
        let parts: Vec<&str> = first.split('.').collect();
        let is_number =
            |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        Self((parts.len() == 3 && parts.iter().all(is_number)).then(|| first.to_owned()))
    }

    fn is_about_sender(&self) -> bool {
        let Self(status) = self;
        status
            .as_ref()
            .is_some_and(|status| status.starts_with("5.7.") || ["5.1.7", "5.1.8"].contains(&&**status))
    }
}

impl std::fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |status| write!(f, " {status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_16_2_5_only_a_status_code_is_taken_from_a_reply() {
        let status = |text| EnhancedStatus::find(text).to_string();
        assert_eq!(status("5.1.1 <ada@example.com>: no such user"), " 5.1.1");
        assert_eq!(status("<ada@example.com>: no such user"), "");
        assert_eq!(status("4.x.1 no"), "");
        assert_eq!(status(""), "");
    }
}
