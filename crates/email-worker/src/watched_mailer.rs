//! A mail server that takes no mails is reported once per outage, with the cause, and so is the end
//! of the outage.
//!
//! It is down if it cannot be reached, or refuses what comes before a mail: the connection, the
//! greeting, TLS or the login. A server that refuses mails, be it at MAIL FROM, is up; that all are
//! refused is reported by [`crate::Refusals`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::ErrorChain;
use domain::ports::{Mail, MailError, Mailer};

/// Reports the outages of a mailer.
pub struct WatchedMailer {
    mailer: Arc<dyn Mailer>,
    is_down: AtomicBool,
}

impl WatchedMailer {
    /// Watches a mailer, which is taken to be well until it fails.
    pub fn new(mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer, is_down: AtomicBool::new(false) }
    }

    fn report_failure(&self, error: &MailError) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            let cause = ErrorChain(error);
            tracing::warn!(
                event = "mail_server.down",
                error = %cause,
                "the mail server takes no mails; they wait. Check the settings of the section smtp"
            );
        }
    }

    fn report_success(&self) {
        if self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!(event = "mail_server.recovered", "the mail server takes mails again");
        }
    }
}

#[async_trait]
impl Mailer for WatchedMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let sent = self.mailer.send(mail).await;
        match &sent {
            // It may be this recipient's mailbox alone that takes no mail for now, or this sender
            // that is refused: the server says whether it is up.
            Err(MailError::Transient(_) | MailError::SenderRefused(_)) => {
                if !self.is_down.load(Ordering::Relaxed) {
                    drop(self.ping().await);
                }
            }
            // A mail that is refused is a mail that was looked at.
            Ok(()) | Err(MailError::Refused(_) | MailError::Permanent(_)) => self.report_success(),
        }
        sent
    }

    async fn ping(&self) -> Result<(), MailError> {
        let answer = self.mailer.ping().await;
        match &answer {
            Ok(()) => self.report_success(),
            Err(error) => self.report_failure(error),
        }
        answer
    }
}
