//! Turns a mail into the bytes of a message (RFC 5322), readable on the wire wherever possible.

use domain::ports::Mail;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::dkim::{Signer, is_domain};
use super::error::SmtpError;
use super::options::{SmtpOptions, SmtpOptionsError};

/// A message as it is sent.
pub(super) struct Composed {
    pub(super) envelope: Envelope,
    pub(super) content: Vec<u8>,
}

pub(super) struct Composer {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    message_id_domain: String,
    signer: Signer,
}

impl Composer {
    pub(super) fn new(options: &SmtpOptions) -> Result<Self, SmtpOptionsError> {
        if options.from_name.contains(char::is_control) {
            return Err(SmtpOptionsError::FromName);
        }
        let from = mailbox(&options.from_name, &options.from_address)
            .ok_or(SmtpOptionsError::FromAddress)?;
        let reply_to = match &options.reply_to {
            Some((name, address)) => Some(mailbox(name, address).ok_or(SmtpOptionsError::ReplyTo)?),
            None => None,
        };
        let domain = &options.message_id_domain;
        if !is_domain(domain) {
            return Err(SmtpOptionsError::MessageIdDomain);
        }
        let signer = Signer::new(&options.dkim)?;
        Ok(Self { from, reply_to, message_id_domain: domain.clone(), signer })
    }

    /// The message, signed, with its envelope.
    pub(super) fn compose(&self, mail: &Mail) -> Result<Composed, SmtpError> {
        let message = self.build(mail)?;
        let content = self.signer.sign(message.formatted())?;
        Ok(Composed { envelope: message.envelope().clone(), content })
    }

    fn build(&self, mail: &Mail) -> Result<Message, SmtpError> {
        let to: Address = mail.to.as_str().parse().map_err(composition)?;
        let builder = Message::builder().from(self.from.clone()).to(to.into());
        let builder = match &self.reply_to {
            Some(reply_to) => builder.reply_to(reply_to.clone()),
            None => builder,
        };
        builder
            .subject(mail.subject.clone())
            .message_id(Some(format!("<{}@{}>", mail.message_id, self.message_id_domain)))
            .date_now()
            // RFC 3834 section 5: no vacation notice should answer this mail; Exchange reads the
            // other header.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            // RFC 3282 section 2.
            .raw_header(header("Content-Language", &mail.language))
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                    .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
            )
            .map_err(composition)
    }
}

/// None if the address is none, or the name would break the line of its header.
fn mailbox(name: &str, address: &str) -> Option<Mailbox> {
    if name.contains(char::is_control) {
        return None;
    }
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    Some(Mailbox::new(name, address.parse().ok()?))
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
