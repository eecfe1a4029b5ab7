//! Sends mails, one at a time per connection, and as many at once as there may be connections. Others
//! wait for their turn; a mail server takes no more from one client either.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Mail, MailError, Mailer};
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::response::Response;
use spans::{Kind, Span};
use tokio::sync::Semaphore;

use super::composer::{Composed, Composer};
use super::connector::Connector;
use super::error::{SmtpError, Step};
use super::options::{SmtpOptions, SmtpOptionsError};
use super::pool::{Pool, quit};

/// Sends mails over SMTP. Does not connect before the first mail.
pub struct SmtpMailer {
    composer: Composer,
    connector: Connector,
    pool: Pool,
    slots: Semaphore,
    timeout: Duration,
    acceptance_timeout: Duration,
}

impl SmtpMailer {
    /// Checks the options and loads the certificate authorities.
    pub fn new(options: &SmtpOptions) -> Result<Self, SmtpOptionsError> {
        Ok(Self {
            composer: Composer::new(options)?,
            connector: Connector::new(options)?,
            pool: Pool::new(options.connections, options.idle_time),
            slots: Semaphore::new(options.connections.clamp(1, Semaphore::MAX_PERMITS)),
            timeout: options.timeout,
            acceptance_timeout: options.acceptance_timeout,
        })
    }

    async fn transmit(&self, message: &Composed) -> Result<(), SmtpError> {
        let announced = self.announce_somewhere(&message.envelope);
        let mut connection = with_timeout(self.timeout, announced).await?;
        let sent = async { check_reply(Step::Content, connection.message(&message.content).await) };
        let taken = with_timeout(self.acceptance_timeout, sent).await;
        match &taken {
            Ok(()) => self.pool.give_back(connection),
            Err(error) => dismiss(connection, error),
        }
        taken
    }

    /// A connection on which the server waits for the content of the message. If a kept connection
    /// turns out to be dead, a new one is opened: the content has not been sent yet.
    async fn announce_somewhere(
        &self,
        envelope: &Envelope,
    ) -> Result<AsyncSmtpConnection, SmtpError> {
        if let Some(kept) = self.pool.take() {
            // Half the time, so that the other half is left for a new connection.
            match tokio::time::timeout(self.timeout / 2, announce(kept, envelope)).await {
                Ok(Err(error)) if error.is_stale_connection() => {}
                Ok(settled) => return settled,
                Err(_) => {}
            }
            tracing::debug!(
                event = "smtp.stale_connection",
                "a kept connection to the mail server was dead"
            );
        }
        announce(self.connector.connect().await?, envelope).await
    }

    async fn probe(&self) -> Result<(), SmtpError> {
        if let Some(mut connection) = self.pool.take()
            && connection.test_connected().await
        {
            self.pool.give_back(connection);
            return Ok(());
        }
        let connection = self.connector.connect().await?;
        self.pool.give_back(connection);
        Ok(())
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.composer.compose(mail)?;
        let _slot = self.slots.acquire().await;
        // A conversation is large, and would be moved about with the task.
        let sent = Box::pin(self.transmit(&message));
        Ok(Span::part("SMTP", Kind::Client).run(sent).await?)
    }

    async fn ping(&self) -> Result<(), MailError> {
        Ok(with_timeout(self.timeout, self.probe()).await?)
    }
}

pub(super) async fn with_timeout<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, SmtpError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(SmtpError::Timeout(limit)))
}

/// Sends MAIL FROM, RCPT TO and DATA.
async fn announce(
    mut connection: AsyncSmtpConnection,
    envelope: &Envelope,
) -> Result<AsyncSmtpConnection, SmtpError> {
    let asked = async {
        let mail_from = MailFrom::new(envelope.from().cloned(), Vec::new());
        check_reply(Step::MailFrom, connection.command(mail_from).await)?;
        for recipient in envelope.to() {
            let rcpt_to = Rcpt::new(recipient.clone(), Vec::new());
            check_reply(Step::RcptTo, connection.command(rcpt_to).await)?;
        }
        check_reply(Step::Data, connection.command(Data).await)
    };
    match asked.await {
        Ok(()) => Ok(connection),
        Err(error) => {
            dismiss(connection, &error);
            Err(error)
        }
    }
}

/// Closes a connection on which something went wrong: with QUIT, if the server still replies.
fn dismiss(connection: AsyncSmtpConnection, error: &SmtpError) {
    if error.is_reply() {
        quit(connection);
    }
}

pub(super) fn check_reply(step: Step, reply: Result<Response, Error>) -> Result<(), SmtpError> {
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
