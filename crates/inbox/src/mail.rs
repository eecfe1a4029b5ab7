//! One mail as received, and what its headers and parts say. None of it can be trusted: it may be
//! false, huge or malicious.

use mail_parser::{
    Address as HeaderAddress, DateTime, Message, MessageParser, MessagePart, MimeHeaders,
};
use serde::Serialize;
use uuid::Uuid;

/// The most addresses kept per header: a mail of one megabyte must not take many in memory.
const MAX_ADDRESSES: usize = 100;
/// The most characters in a snippet.
const SNIPPET_LENGTH: usize = 200;

/// Who sent a mail to whom, according to the SMTP session (RFC 5321 section 2.3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    /// The reverse-path; may be null, which is empty here.
    pub from: String,
    /// The forward-paths.
    pub to: Vec<String>,
}

/// A name and an address from a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Address {
    /// The display name, or empty.
    pub name: String,
    /// The address itself.
    pub address: String,
}

/// What the list of mails shows, with the field names of Mailpit's API.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Overview {
    /// Identifies the mail in this inbox.
    #[serde(rename = "ID")]
    pub id: String,
    /// The Message-ID header, without its angle brackets.
    #[serde(rename = "MessageID")]
    pub message_id: String,
    /// The first author.
    pub from: Option<Address>,
    /// The To header.
    pub to: Vec<Address>,
    /// The Cc header.
    pub cc: Vec<Address>,
    /// The Bcc header, and the recipients of the envelope that no header names.
    pub bcc: Vec<Address>,
    /// The Reply-To header.
    pub reply_to: Vec<Address>,
    /// The subject, decoded.
    pub subject: String,
    /// The size of the mail as received, in bytes.
    pub size: usize,
}

/// A mail in the inbox.
#[derive(Debug)]
pub struct Mail {
    /// What the list shows of it.
    pub overview: Overview,
    /// The envelope it arrived in.
    pub envelope: Envelope,
    /// When it was received (RFC 3339, UTC, milliseconds).
    pub received: String,
    /// When it says that it was written (RFC 3339, with its time zone), if it says so.
    pub date: Option<String>,
    /// The start of its text, on one line.
    pub snippet: String,
    /// How many files are attached, not counting those shown inline.
    pub attachments: usize,
    /// The mail as received, headers and all.
    pub raw: Vec<u8>,
}

/// The parts of a mail.
#[derive(Debug, Default)]
pub struct Content {
    /// The plain text; derived from the HTML if there is none.
    pub text: String,
    /// The HTML, or empty.
    pub html: String,
    /// Everything else.
    pub files: Vec<File>,
}

/// A part that is neither the text nor the HTML.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct File {
    /// Identifies the part within its mail.
    #[serde(rename = "PartID")]
    pub part_id: String,
    /// The file name that the sender gave it.
    pub file_name: String,
    /// The type that the sender claims.
    pub content_type: String,
    /// The identifier by which the HTML refers to it.
    #[serde(rename = "ContentID")]
    pub content_id: String,
    /// The decoded size in bytes.
    pub size: usize,
    /// Whether it is meant to be shown inline.
    #[serde(skip)]
    pub is_inline: bool,
}

impl Mail {
    /// Parses a mail that arrived at the time in its identifier (a `UUIDv7`). What cannot be parsed
    /// is left empty.
    pub(crate) fn parse(id: Uuid, envelope: Envelope, raw: Vec<u8>) -> Self {
        let received = format_rfc3339(id);
        let id = id.simple().to_string();
        let Some(message) = MessageParser::default().parse(&raw) else {
            let mut overview = Overview { id, size: raw.len(), ..Overview::default() };
            overview.add_hidden_recipients(&envelope);
            let snippet = String::new();
            return Self { overview, envelope, received, date: None, snippet, attachments: 0, raw };
        };
        let content = read_content(&message);
        let mut overview = Overview {
            id,
            message_id: message.message_id().unwrap_or_default().to_owned(),
            from: read_addresses(message.from()).into_iter().next(),
            to: read_addresses(message.to()),
            cc: read_addresses(message.cc()),
            bcc: read_addresses(message.bcc()),
            reply_to: read_addresses(message.reply_to()),
            subject: message.subject().unwrap_or_default().to_owned(),
            size: raw.len(),
        };
        overview.add_hidden_recipients(&envelope);
        let attachments = content.files.iter().filter(|file| !file.is_inline).count();
        let snippet = shorten(&content.text);
        let date = message.date().filter(|date| date.is_valid()).map(DateTime::to_rfc3339);
        Self { overview, envelope, received, date, snippet, attachments, raw }
    }

    /// The text, the HTML and the other parts.
    pub fn content(&self) -> Content {
        self.with_message(read_content).unwrap_or_default()
    }

    /// The headers in order: names as written, values unfolded but not decoded.
    pub fn headers(&self) -> Vec<(String, String)> {
        let unfold = |value: &str| value.replace("\r\n", "").replace('\n', "").trim().to_owned();
        let read = |message: &Message<'_>| {
            message.headers_raw().map(|(name, value)| (name.to_owned(), unfold(value))).collect()
        };
        self.with_message(read).unwrap_or_default()
    }

    /// The decoded content of a part that is neither the text nor the HTML.
    pub fn file(&self, part_id: &str) -> Option<(File, Vec<u8>)> {
        let read = |message: &Message<'_>| {
            let (index, part) =
                list_files(message).find(|(index, _)| index.to_string() == part_id)?;
            Some((describe_file(index, part), part.contents().to_vec()))
        };
        self.with_message(read).flatten()
    }

    fn with_message<T>(&self, read: impl FnOnce(&Message<'_>) -> T) -> Option<T> {
        MessageParser::default().parse(&self.raw).as_ref().map(read)
    }
}

impl Overview {
    fn add_hidden_recipients(&mut self, envelope: &Envelope) {
        for address in &envelope.to {
            let named = [&self.to, &self.cc, &self.bcc];
            if !named.into_iter().flatten().any(|known| known.address.eq_ignore_ascii_case(address))
            {
                self.bcc.push(Address { name: String::new(), address: address.clone() });
            }
        }
    }
}

fn read_content(message: &Message<'_>) -> Content {
    let texts: Vec<_> =
        (0..message.text_body_count()).filter_map(|at| message.body_text(at)).collect();
    let html = message
        .html_bodies()
        .filter(|part| part.is_text_html())
        .filter_map(MessagePart::text_contents);
    Content {
        text: texts.join("\n"),
        html: html.collect(),
        files: list_files(message).map(|(index, part)| describe_file(index, part)).collect(),
    }
}

fn list_files<'m>(message: &'m Message<'m>) -> impl Iterator<Item = (usize, &'m MessagePart<'m>)> {
    (0..).map_while(|at| message.attachment(at)).enumerate()
}

fn describe_file(index: usize, part: &MessagePart<'_>) -> File {
    let content_type = part.content_type().map_or("application/octet-stream".to_owned(), |kind| {
        kind.subtype()
            .map_or(kind.ctype().to_owned(), |subtype| format!("{}/{subtype}", kind.ctype()))
    });
    File {
        part_id: index.to_string(),
        file_name: part.attachment_name().unwrap_or_default().to_owned(),
        content_type,
        content_id: part.content_id().unwrap_or_default().to_owned(),
        size: part.contents().len(),
        is_inline: part.content_disposition().is_some_and(mail_parser::ContentType::is_inline),
    }
}

fn read_addresses(header: Option<&HeaderAddress<'_>>) -> Vec<Address> {
    let read = |address: &mail_parser::Addr<'_>| Address {
        name: address.name().unwrap_or_default().to_owned(),
        address: address.address().unwrap_or_default().to_owned(),
    };
    header.map(|list| list.iter().take(MAX_ADDRESSES).map(read).collect()).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    let mut snippet = String::new();
    for word in text.split_whitespace() {
        if snippet.chars().count() + word.chars().count() > SNIPPET_LENGTH {
            snippet.push_str("...");
            break;
        }
        if !snippet.is_empty() {
            snippet.push(' ');
        }
        snippet.push_str(word);
    }
    snippet
}

fn format_rfc3339(id: Uuid) -> String {
    let (seconds, nanoseconds) = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    let to_the_second =
        DateTime::from_timestamp(i64::try_from(seconds).unwrap_or_default()).to_rfc3339();
    format!("{}.{:03}Z", to_the_second.trim_end_matches('Z'), nanoseconds / 1_000_000)
}
