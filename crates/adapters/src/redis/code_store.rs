//! The one-minute windows in Redis, one hash per registration. Must never hold a code: a window
//! knows the number of the issue that counts and the name of a key, and nothing from which its code
//! could be derived.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Attempt, CODE_STORE_MEMORY, CodeStore, CodeStoreError, Consumption, MailKey, MailState,
    NewWindow, Opening, SendingLease,
};
use domain::{CodeIssue, Derivation, DerivationError, EventId, UserId};
use redis::Script;
use uuid::Uuid;

use super::command::{Command, is_unknown_script};
use super::connection::Connection;
use super::error::ConnectionError;
use super::script_arguments::{micros, millis};

/// A [`CodeStore`] that every replica shares.
pub struct RedisCodeStore {
    connection: Connection,
    prefix: String,
    lease_sending: Script,
    release_sending: Script,
    open: Script,
    spend_attempt: Script,
    consume: Script,
    release: Script,
}

/// A script returned something unexpected.
#[derive(Debug, thiserror::Error)]
#[error("the script returned an unknown word: {0:?}")]
struct UnknownAnswer(String);

impl RedisCodeStore {
    /// A store whose keys are `<prefix>:code:<user id>`, `<prefix>:sending:<mail>`,
    /// `<prefix>:notice:<event id>`, and keys that begin with
    /// `<prefix>:probe` for its ping.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: prefix.to_owned(),
            lease_sending: Script::new(include_str!("lease_sending.lua")),
            release_sending: Script::new(include_str!("release_sending.lua")),
            open: Script::new(include_str!("open.lua")),
            spend_attempt: Script::new(include_str!("spend_attempt.lua")),
            consume: Script::new(include_str!("consume.lua")),
            release: Script::new(include_str!("release.lua")),
        }
    }

    /// The key of the window of one registration.
    fn window_key(&self, user: UserId) -> String {
        format!("{}:code:{user}", self.prefix)
    }

    /// Prepares a script for one issue with its key and first argument.
    fn prepare<'a>(&self, script: &'a Script, issue: CodeIssue) -> Command<'a> {
        Command::call(script, self.window_key(issue.user_id)).arg(issue.number)
    }

    /// Prepares a script for the lease of one mail with its key and first argument.
    fn prepare_lease<'a>(&self, script: &'a Script, mail: MailKey, sender: Uuid) -> Command<'a> {
        Command::call(script, self.sending_key(mail)).arg(sender.to_string())
    }

    fn lease_command(&self, mail: MailKey, sender: Uuid, lease: Duration) -> Command<'_> {
        self.prepare_lease(&self.lease_sending, mail, sender).arg(millis(lease).max(1))
    }

    fn open_command(&self, issue: CodeIssue, window: NewWindow, mail: MailState) -> Command<'_> {
        self.prepare(&self.open, issue)
            .arg(micros(window.length))
            .arg(window.attempts)
            .arg(millis(window.memory()))
            .arg(u8::from(mail == MailState::Accepted))
            .arg(window.derivation.to_string())
    }

    /// The key of the lease of one mail.
    fn sending_key(&self, mail: MailKey) -> String {
        let prefix = &self.prefix;
        match mail {
            MailKey::Code(CodeIssue { user_id, number }) => {
                format!("{prefix}:sending:{user_id}:{number}")
            }
            MailKey::Notice(event) => format!("{prefix}:sending:{}", event.as_uuid()),
        }
    }

    /// The key that is there while a notice is known to have been accepted.
    fn notice_key(&self, notice: EventId) -> String {
        format!("{}:notice:{}", self.prefix, notice.as_uuid())
    }
}

impl From<ConnectionError> for CodeStoreError {
    fn from(error: ConnectionError) -> Self {
        Self(error.into())
    }
}

#[async_trait]
impl CodeStore for RedisCodeStore {
    async fn lease_sending(
        &self,
        mail: MailKey,
        sender: Uuid,
        lease: Duration,
    ) -> Result<SendingLease, CodeStoreError> {
        let is_held: bool = self.connection.query(&self.lease_command(mail, sender, lease)).await?;
        Ok(if is_held { SendingLease::Held } else { SendingLease::HeldByAnother })
    }

    async fn release_sending(&self, mail: MailKey, sender: Uuid) -> Result<(), CodeStoreError> {
        let script = self.prepare_lease(&self.release_sending, mail, sender);
        Ok(self.connection.query(&script).await?)
    }

    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        mail: MailState,
    ) -> Result<Opening, CodeStoreError> {
        read_opening(self.connection.query(&self.open_command(issue, window, mail)).await?)
    }

    async fn lease_and_open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        sender: Uuid,
        lease: Duration,
    ) -> Result<Option<Opening>, CodeStoreError> {
        let mail = MailKey::Code(issue);
        let both = [
            self.lease_command(mail, sender, lease),
            self.open_command(issue, window, MailState::Unsent),
        ];
        let answers: Result<(bool, OpenAnswer), _> = self.connection.query_all(&both).await;
        match answers {
            Ok((true, opening)) => read_opening(opening).map(Some),
            Ok((false, _)) => Ok(None),
            // The one server does not know the scripts, so they are loaded one by one.
            Err(ConnectionError::Failed(error)) if is_unknown_script(&error) => {
                match self.lease_sending(mail, sender, lease).await? {
                    SendingLease::Held => {
                        self.open(issue, window, MailState::Unsent).await.map(Some)
                    }
                    SendingLease::HeldByAnother => Ok(None),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn mark_notice_accepted(&self, notice: EventId) -> Result<(), CodeStoreError> {
        let mark = Command::new("SET", self.notice_key(notice))
            .arg(1)
            .arg("PX")
            .arg(millis(CODE_STORE_MEMORY));
        Ok(self.connection.query(&mark).await?)
    }

    async fn is_notice_accepted(&self, notice: EventId) -> Result<bool, CodeStoreError> {
        let look_up = Command::new("EXISTS", self.notice_key(notice));
        Ok(self.connection.query(&look_up).await?)
    }

    async fn spend_attempt(&self, issue: CodeIssue) -> Result<Attempt, CodeStoreError> {
        let script = self.prepare(&self.spend_attempt, issue);
        let (answer, left, recorded): (String, u32, String) =
            self.connection.query(&script).await?;
        match answer.as_str() {
            "spent" if recorded.is_empty() => Ok(Attempt::Spent { left, derivation: None }),
            "spent" => Ok(Attempt::Spent { left, derivation: Some(read_derivation(&recorded)?) }),
            "exhausted" => Ok(Attempt::Exhausted),
            "expired" => Ok(Attempt::Expired),
            "consumed" => Ok(Attempt::Consumed),
            "unknown" => Ok(Attempt::Unknown),
            _ => Err(unknown(answer)),
        }
    }

    async fn consume(&self, issue: CodeIssue) -> Result<Consumption, CodeStoreError> {
        let answer: String = self.connection.query(&self.prepare(&self.consume, issue)).await?;
        match answer.as_str() {
            "won" => Ok(Consumption::Won),
            "consumed" => Ok(Consumption::AlreadyConsumed),
            "gone" => Ok(Consumption::Gone),
            _ => Err(unknown(answer)),
        }
    }

    async fn release(&self, issue: CodeIssue) -> Result<(), CodeStoreError> {
        Ok(self.connection.query(&self.prepare(&self.release, issue)).await?)
    }

    async fn ping(&self) -> Result<(), CodeStoreError> {
        Ok(self.connection.probe(&self.prefix).await?)
    }
}

/// What `open.lua` returns.
type OpenAnswer = (String, u64, String);

fn read_opening((answer, left, recorded): OpenAnswer) -> Result<Opening, CodeStoreError> {
    match answer.as_str() {
        "opened" => Ok(Opening::Opened { derivation: read_derivation(&recorded)? }),
        "accepted" => Ok(Opening::Accepted { left: Duration::from_micros(left) }),
        "superseded" => Ok(Opening::Superseded),
        "consumed" => Ok(Opening::Consumed),
        _ => Err(unknown(answer)),
    }
}

fn read_derivation(recorded: &str) -> Result<Derivation, CodeStoreError> {
    recorded.parse().map_err(|error: DerivationError| CodeStoreError(error.into()))
}

fn unknown(answer: String) -> CodeStoreError {
    CodeStoreError(UnknownAnswer(answer).into())
}
