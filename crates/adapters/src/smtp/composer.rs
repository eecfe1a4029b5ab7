//! Turns a mail into the bytes of a message (RFC 5322), readable on the wire wherever possible.

use domain::ports::Mail;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::error::SmtpError;
use super::options::{SmtpOptions, SmtpOptionsError};

pub(super) struct Composer {
    from: Mailbox,
    message_id_domain: String,
}

impl Composer {
    pub(super) fn new(options: &SmtpOptions) -> Result<Self, SmtpOptionsError> {
        let address: Address =
            options.from_address.parse().map_err(|_| SmtpOptionsError::FromAddress)?;
        let name = Some(options.from_name.clone()).filter(|name| !name.is_empty());
        let domain = &options.message_id_domain;
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !domain.split('.').all(is_label) {
            return Err(SmtpOptionsError::MessageIdDomain);
        }
        Ok(Self { from: Mailbox::new(name, address), message_id_domain: domain.clone() })
    }

    /// The message, with its envelope.
    pub(super) fn compose(&self, mail: &Mail) -> Result<Message, SmtpError> {
        let to: Address = mail.to.as_str().parse().map_err(composition)?;
        Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(mail.subject.clone())
            .message_id(Some(format!("<{}@{}>", mail.message_id, self.message_id_domain)))
            .date_now()
            // RFC 3834 section 5: no vacation notice should answer this mail; Exchange reads the
            // other header.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                    .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
            )
            .map_err(composition)
    }
}

fn composition(error: impl std::error::Error) -> SmtpError {
    SmtpError::Composition(error.to_string())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn part(content_type: ContentType, text: &str) -> SinglePart {
    SinglePart::builder().header(content_type).body(encode(text))
}

/// 7bit or quoted-printable, never base64: people who debug a mail, and filters, can read it as it
/// is.
fn encode(text: &str) -> Body {
    let body = Body::new(text.to_owned());
    if body.encoding() != ContentTransferEncoding::Base64 {
        return body;
    }
    Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable)
        .unwrap_or(body)
}
