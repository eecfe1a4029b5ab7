//! A connection that is ready for a mail, and the conversation about one.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::{Response, Severity};

use super::error::{SmtpError, Step};

/// How long a server may take to answer QUIT and the commands before it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection on which the server has greeted.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    /// Whether the server takes several commands at once (PIPELINING, RFC 2920).
    pipelines: bool,
    /// How many commands were sent whose replies have not been read.
    unanswered: usize,
}

impl Session {
    pub(super) fn new(connection: AsyncSmtpConnection, pipelines: bool) -> Self {
        Self { connection, pipelines, unanswered: 0 }
    }

    /// Sends MAIL FROM, RCPT TO and DATA, after which the server waits for the content of the mail:
    /// in one round trip instead of three, if the server allows it.
    pub(super) async fn announce(mut self, envelope: &Envelope) -> Result<Self, SmtpError> {
        let mail_from = MailFrom::new(envelope.from().cloned(), Vec::new());
        let mut commands = vec![(Step::MailFrom, mail_from.to_string())];
        for recipient in envelope.to() {
            let rcpt_to = Rcpt::new(recipient.clone(), Vec::new());
            commands.push((Step::RcptTo, rcpt_to.to_string()));
        }
        commands.push((Step::Data, Data.to_string()));
        match self.ask(&commands).await {
            Ok(()) => Ok(self),
            Err(error) => {
                self.dismiss(&error);
                Err(error)
            }
        }
    }

    /// Sends the content of a mail that was announced, and returns when the server has taken it.
    pub(super) async fn send_content(&mut self, content: &[u8]) -> Result<(), SmtpError> {
        check_reply(Step::Content, self.connection.message(content).await)
    }

    /// Sends commands, each with the step that it belongs to, until one is refused.
    pub(super) async fn ask(&mut self, commands: &[(Step, String)]) -> Result<(), SmtpError> {
        let at_once = if self.pipelines { commands.len() } else { 1 };
        for batch in commands.chunks(at_once) {
            let text: String = batch.iter().map(|(_, command)| command.as_str()).collect();
            self.unanswered = batch.len();
            let mut first = Some(self.connection.command(text).await);
            for (step, _) in batch {
                let reply = match first.take() {
                    Some(reply) => reply,
                    None => self.connection.read_response().await,
                };
                self.unanswered -= 1;
                check_reply(*step, reply)?;
            }
        }
        Ok(())
    }

    /// Whether the server still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.connection.test_connected().await
    }

    pub(super) fn offers_starttls(&self) -> bool {
        self.connection.server_info().supports_feature(Extension::StartTls)
    }

    /// Closes a connection on which something went wrong: with QUIT, if the server still replies.
    pub(super) fn dismiss(self, error: &SmtpError) {
        if error.is_reply() {
            self.quit();
        }
    }

    /// Sends QUIT in the background.
    pub(super) fn quit(mut self) {
        let quit = async move {
            for _ in 0..self.unanswered {
                // A server that accepts DATA although it has refused the recipient waits for
                // content, and would read QUIT as such. Closing the connection tells it that there
                // is none.
                if let Ok(reply) = self.connection.read_response().await
                    && reply.code().severity == Severity::PositiveIntermediate
                {
                    return;
                }
            }
            // Whether it answers makes no difference: the connection is closed either way.
            let _ = self.connection.quit().await;
        };
        tokio::spawn(tokio::time::timeout(QUIT_TIMEOUT, quit));
    }
}

fn check_reply(step: Step, reply: Result<Response, Error>) -> Result<(), SmtpError> {
    let checked = reply.map_err(|error| SmtpError::at(step, &error));
    match &checked {
        Ok(reply) if step == Step::Content => note_reply(reply.code().into()),
        Err(SmtpError::Refused { code, .. }) => note_reply(*code),
        _ => {}
    }
    checked.map(drop)
}

/// Adds the reply that decides about a mail to its span: the code alone, since the text may repeat
/// an address.
fn note_reply(code: u16) {
    spans::annotate("registration.smtp.reply_code", i64::from(code));
}
