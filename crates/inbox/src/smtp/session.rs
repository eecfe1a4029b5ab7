//! The server's side of an SMTP session (RFC 5321 with SIZE, 8BITMIME, SMTPUTF8 and PIPELINING),
//! without any I/O: bytes in, replies out. Accepts every mail for every recipient. Buffers no more
//! than one mail of the permitted size.

use std::borrow::Cow;
use std::sync::Arc;

use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use smtp_proto::{Error, MailFrom, Request};

use crate::mail::Envelope;
use crate::mailbox::Mailbox;

/// The most recipients per mail: the minimum that RFC 5321 section 4.5.3.1.8 requires.
const MAX_RECIPIENTS: usize = 100;
/// After this many errors, the client is assumed not to speak SMTP.
const MAX_ERRORS: u32 = 20;

pub(crate) const GREETING: &str = "220 inbox ESMTP ready\r\n";
pub(crate) const TOO_MANY_CONNECTIONS: &str = "421 too many connections, try again later\r\n";
pub(crate) const SHUTTING_DOWN: &str = "421 the inbox is shutting down\r\n";
pub(crate) const IDLE_TOO_LONG: &str = "421 idle for too long\r\n";

const OK: &str = "250 OK\r\n";
const BAD_SEQUENCE: &str = "503 bad sequence: send EHLO, then MAIL, RCPT and DATA\r\n";

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Close,
}

/// One session.
pub(crate) struct Session {
    mailbox: Arc<Mailbox>,
    max_size: usize,
    greeted: bool,
    errors: u32,
    envelope: Option<Envelope>,
    state: State,
}

enum State {
    Command(RequestReceiver),
    Data {
        receiver: DataReceiver,
        mail: Vec<u8>,
    },
    /// The mail is too large: the rest of it is skipped.
    Skipping(DummyDataReceiver),
}

impl Session {
    pub(crate) fn new(mailbox: Arc<Mailbox>, max_size: usize) -> Self {
        let state = State::Command(RequestReceiver::default());
        Self { mailbox, max_size, greeted: false, errors: 0, envelope: None, state }
    }

    /// Whether a mail is being received, which should not be cut short.
    pub(crate) fn is_receiving(&self) -> bool {
        !matches!(self.state, State::Command(_))
    }

    /// Processes what the client sent, any number of commands or part of one, and appends the
    /// replies.
    pub(crate) fn receive(&mut self, bytes: &[u8], replies: &mut Vec<u8>) -> Next {
        let mut bytes = bytes.iter();
        while !bytes.as_slice().is_empty() {
            let (reply, next) = match &mut self.state {
                State::Command(receiver) => {
                    match receiver.ingest(&mut bytes).map(Request::into_owned) {
                        Err(Error::NeedsMoreData { .. }) => continue,
                        Ok(request) => self.execute(request),
                        Err(error) => self.refuse(&error),
                    }
                }
                State::Data { receiver, mail } => {
                    let complete = receiver.ingest(&mut bytes, mail);
                    if mail.len() > self.max_size && !complete {
                        self.state = State::Skipping(DummyDataReceiver::new_data(receiver));
                        continue;
                    }
                    if !complete {
                        continue;
                    }
                    let mail = std::mem::take(mail);
                    self.finish_mail(Some(mail))
                }
                State::Skipping(receiver) => {
                    if !receiver.ingest(&mut bytes) {
                        continue;
                    }
                    self.finish_mail(None)
                }
            };
            replies.extend_from_slice(reply.as_bytes());
            if next == Next::Close {
                return Next::Close;
            }
        }
        Next::Continue
    }

    fn execute(&mut self, request: Request<String>) -> (Cow<'static, str>, Next) {
        let reply = match request {
            Request::Ehlo { .. } => return (self.greet(true), Next::Continue),
            Request::Helo { .. } => return (self.greet(false), Next::Continue),
            Request::Mail { from } => self.start_mail(from),
            Request::Rcpt { to } => self.add_recipient(to.address),
            Request::Data => self.start_data(),
            Request::Rset => {
                self.envelope = None;
                OK
            }
            Request::Noop { .. } => OK,
            Request::Vrfy { .. } => "252 every recipient is accepted\r\n",
            Request::Help { .. } => "214 see RFC 5321\r\n",
            Request::Quit => return ("221 bye\r\n".into(), Next::Close),
            _ => "502 not supported\r\n",
        };
        (reply.into(), Next::Continue)
    }

    fn greet(&mut self, extended: bool) -> Cow<'static, str> {
        self.greeted = true;
        self.envelope = None;
        if !extended {
            return "250 inbox\r\n".into();
        }
        let size = self.max_size;
        format!(
            "250-inbox\r\n250-PIPELINING\r\n250-SIZE {size}\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
        )
        .into()
    }

    fn start_mail(&mut self, from: MailFrom<String>) -> &'static str {
        if !self.greeted || self.envelope.is_some() {
            return BAD_SEQUENCE;
        }
        if from.size > self.max_size {
            return "552 the mail is too large\r\n";
        }
        self.envelope = Some(Envelope { from: from.address, to: Vec::new() });
        OK
    }

    fn add_recipient(&mut self, address: String) -> &'static str {
        match &mut self.envelope {
            None => BAD_SEQUENCE,
            Some(envelope) if envelope.to.len() >= MAX_RECIPIENTS => "452 too many recipients\r\n",
            Some(envelope) => {
                envelope.to.push(address);
                OK
            }
        }
    }

    fn start_data(&mut self) -> &'static str {
        if self.envelope.as_ref().is_none_or(|envelope| envelope.to.is_empty()) {
            return BAD_SEQUENCE;
        }
        let mut receiver = DataReceiver::new();
        // The receiver recognises a dot only after a line break; for the first line, that is the
        // one after DATA.
        receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
        self.state = State::Data { receiver, mail: Vec::new() };
        "354 go ahead, end with a dot on a line of its own\r\n"
    }

    /// Ends a mail, which is `None` if it was too large to keep.
    fn finish_mail(&mut self, mail: Option<Vec<u8>>) -> (Cow<'static, str>, Next) {
        self.state = State::Command(RequestReceiver::default());
        let envelope = self.envelope.take().unwrap_or_default();
        let Some(mail) = mail.filter(|mail| mail.len() <= self.max_size) else {
            return ("552 the mail is too large\r\n".into(), Next::Continue);
        };
        let mail = self.mailbox.add(envelope, mail);
        (format!("250 accepted as {}\r\n", mail.overview.id).into(), Next::Continue)
    }

    fn refuse(&mut self, error: &Error) -> (Cow<'static, str>, Next) {
        self.errors += 1;
        let reply = match error {
            // The rest of the line could not be told from a command.
            Error::ResponseTooLong => return ("500 the line is too long\r\n".into(), Next::Close),
            _ if self.errors >= MAX_ERRORS => {
                return ("421 too many errors\r\n".into(), Next::Close);
            }
            Error::UnknownCommand => "500 unknown command\r\n",
            Error::InvalidSenderAddress | Error::InvalidRecipientAddress => {
                "501 invalid address\r\n"
            }
            Error::UnsupportedParameter { .. } => "555 unsupported parameter\r\n",
            _ => "501 syntax error\r\n",
        };
        (reply.into(), Next::Continue)
    }
}
