//! Sends mails, one at a time per connection, and as many at once as there may be connections. Others
//! wait for their turn; a mail server takes no more from one client either.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Mail, MailError, Mailer};
use lettre::address::Envelope;
use spans::{Kind, Span};
use tokio::sync::Semaphore;

use super::composer::{Composed, Composer};
use super::connector::Connector;
use super::error::SmtpError;
use super::options::{SmtpOptions, SmtpOptionsError};
use super::pool::Pool;
use super::session::Session;

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
        let mut session = with_timeout(self.timeout, announced).await?;
        let sent = session.send_content(&message.content);
        let taken = with_timeout(self.acceptance_timeout, sent).await;
        match &taken {
            Ok(()) => self.pool.give_back(session),
            Err(error) => session.dismiss(error),
        }
        taken
    }

    /// A connection on which the server waits for the content of the message. If a kept connection
    /// turns out to be dead, a new one is opened: the content has not been sent yet.
    async fn announce_somewhere(&self, envelope: &Envelope) -> Result<Session, SmtpError> {
        if let Some(kept) = self.pool.take() {
            // Half the time, so that the other half is left for a new connection.
            match tokio::time::timeout(self.timeout / 2, kept.announce(envelope)).await {
                Ok(Err(error)) if error.is_stale_connection() => {}
                Ok(settled) => return settled,
                Err(_) => {}
            }
            tracing::debug!(
                event = "smtp.stale_connection",
                "a kept connection to the mail server was dead"
            );
        }
        self.connector.connect().await?.announce(envelope).await
    }

    async fn probe(&self) -> Result<(), SmtpError> {
        if let Some(mut session) = self.pool.take()
            && session.is_alive().await
        {
            self.pool.give_back(session);
            return Ok(());
        }
        self.pool.give_back(self.connector.connect().await?);
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
