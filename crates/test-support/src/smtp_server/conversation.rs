//! One SMTP conversation (RFC 5321), as the test wants it to go.

use std::sync::atomic::Ordering;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use super::script::{Act, Moment, Tls, When};
use super::state::{Received, State};

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The connection is over.
pub(super) struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

pub(super) struct Conversation<'a> {
    state: &'a State,
    stream: BufReader<Box<dyn Stream>>,
    /// Which connection this is, from 0.
    number: usize,
    encrypted: bool,
    authenticated: bool,
    mails: usize,
    from: String,
    to: Vec<String>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        state: &'a State,
        stream: Box<dyn Stream>,
        number: usize,
        encrypted: bool,
    ) -> Self {
        let stream = BufReader::new(stream);
        let (authenticated, mails, from, to) = (false, 0, String::new(), Vec::new());
        Self { state, stream, number, encrypted, authenticated, mails, from, to }
    }

    /// Talks until the client has gone, or wants TLS (`Ok`).
    pub(super) async fn run(mut self) -> Result<Box<dyn Stream>, Over> {
        if !self.encrypted || self.state.server.tls == Tls::Implicit {
            self.answer("CONNECT", "220 test ESMTP").await?;
        }
        loop {
            let line = self.read_line().await?;
            let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            self.state.heard.lock().unwrap().push(verb.clone());
            match verb.as_str() {
                "EHLO" => {
                    let reply = self.extensions();
                    self.answer("EHLO", &reply).await?;
                }
                "STARTTLS" => {
                    self.answer("STARTTLS", "220 go ahead").await?;
                    return Ok(self.stream.into_inner());
                }
                "AUTH" => self.authenticate(&line).await?,
                "MAIL" => {
                    self.from = path(&line);
                    self.to.clear();
                    self.answer("MAIL", "250 2.1.0 ok").await?;
                }
                "RCPT" => {
                    self.to.push(path(&line));
                    self.answer("RCPT", "250 2.1.5 ok").await?;
                }
                "DATA" => self.receive().await?,
                "QUIT" => {
                    self.answer("QUIT", "221 2.0.0 bye").await?;
                    return Err(Over);
                }
                _ => self.answer(&verb, "250 2.0.0 ok").await?,
            }
        }
    }

    fn extensions(&self) -> String {
        let mut reply = String::from("250-test\r\n250-8BITMIME\r\n");
        if self.state.server.pipelines {
            reply += "250-PIPELINING\r\n";
        }
        if self.state.server.tls == Tls::Start && !self.encrypted {
            reply += "250-STARTTLS\r\n";
        }
        if let Some(login) = &self.state.server.login {
            reply.push_str("250-AUTH ");
            reply.push_str(login.mechanism);
            reply.push_str("\r\n");
        }
        reply + "250 ENHANCEDSTATUSCODES"
    }

    async fn authenticate(&mut self, line: &str) -> Result<(), Over> {
        let login = self.state.server.login.as_ref().ok_or(Over)?;
        let given = if let Some(initial) = line.strip_prefix("AUTH PLAIN ") {
            decode(initial)
        } else {
            self.answer("USERNAME", "334 VXNlcm5hbWU6").await?;
            let name = decode(&self.read_line().await?);
            self.answer("PASSWORD", "334 UGFzc3dvcmQ6").await?;
            format!("\0{name}\0{}", decode(&self.read_line().await?))
        };
        self.authenticated = given == format!("\0{}\0{}", login.username, login.password);
        let reply = if self.authenticated { "235 2.7.0 welcome" } else { "535 5.7.8 who are you?" };
        self.answer("AUTH", reply).await
    }

    async fn receive(&mut self) -> Result<(), Over> {
        if self.state.server.login.is_some() && !self.authenticated {
            return self.reply("530 5.7.0 authentication required").await;
        }
        self.answer("DATA", "354 go on").await?;
        if self.refuses("DATA") {
            return Ok(());
        }
        let mut content = String::new();
        loop {
            let line = self.read_line().await?;
            if self.act("MID-DATA") == Act::Drop {
                return Err(Over);
            }
            if line == "." {
                break;
            }
            content += line.strip_prefix('.').unwrap_or(&line);
            content += "\r\n";
        }
        let act = match self.act("CONTENT") {
            Act::ReplyAfter(delay) => {
                tokio::time::sleep(delay).await;
                Act::Normal
            }
            act => act,
        };
        let (from, to) = (std::mem::take(&mut self.from), std::mem::take(&mut self.to));
        let received = Received {
            from,
            to,
            content,
            connection: self.number,
            encrypted: self.encrypted,
            authenticated: self.authenticated,
            at: Instant::now(),
            is_told: !matches!(act, Act::AcceptAndHang | Act::AcceptAndDrop),
        };
        if !act.refuses() {
            self.state.received.send_modify(|mails| mails.push(received));
        }
        self.mails += 1;
        self.perform(act, "250 2.0.0 accepted").await
    }

    fn act(&self, moment: Moment<'_>) -> Act {
        let recipient = self.to.last().map(String::as_str);
        let (connection, mails) = (self.number, self.mails);
        (self.state.server.script)(When { moment, connection, mails, recipient })
    }

    /// Whether the script refuses at this moment.
    fn refuses(&self, moment: Moment<'_>) -> bool {
        self.act(moment).refuses()
    }

    /// Replies as the test says, or else as given.
    async fn answer(&mut self, moment: Moment<'_>, reply: &str) -> Result<(), Over> {
        self.perform(self.act(moment), reply).await
    }

    async fn perform(&mut self, act: Act, reply: &str) -> Result<(), Over> {
        match act {
            Act::Normal => self.reply(reply).await,
            Act::Reply(reply) => self.reply(&reply).await,
            Act::Raw(bytes) => self.send(&bytes).await,
            Act::ReplyAfter(delay) => {
                tokio::time::sleep(delay).await;
                self.reply(reply).await
            }
            Act::ReplyAndDrop(reply) => {
                self.reply(&reply).await?;
                Err(Over)
            }
            Act::Drop | Act::AcceptAndDrop => Err(Over),
            Act::Hang | Act::AcceptAndHang => {
                self.state.hangs.fetch_add(1, Ordering::SeqCst);
                std::future::pending().await
            }
        }
    }

    async fn reply(&mut self, reply: &str) -> Result<(), Over> {
        self.send(format!("{reply}\r\n").as_bytes()).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    async fn read_line(&mut self) -> Result<String, Over> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        let count = match self.state.server.idle_limit {
            None => read.await?,
            Some(limit) => tokio::time::timeout(limit, read).await.map_err(|_| Over)??,
        };
        if count == 0 { Err(Over) } else { Ok(line.trim_end_matches(['\r', '\n']).to_owned()) }
    }
}

fn path(line: &str) -> String {
    let start = line.find('<').map_or(0, |at| at + 1);
    let end = line.find('>').unwrap_or(line.len());
    line[start..end].to_owned()
}

fn decode(text: &str) -> String {
    String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
}
