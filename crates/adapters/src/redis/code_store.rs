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
use redis::{Cmd, ErrorKind, Pipeline, RedisError, Script, ScriptInvocation, ServerErrorKind};
use uuid::Uuid;

use super::connection::Connection;
use super::error::ConnectionError;
use super::probe::probe;
use super::script_arguments::{micros, millis};

/// A [`CodeStore`] that every replica shares.
pub struct RedisCodeStore {
    connection: Connection,
    prefix: String,
    lease_sending: Script,
    release_sending: Script,
    probe: Cmd,
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
    /// `<prefix>:notice:<event id>`, and `<prefix>:probe` for its ping.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: prefix.to_owned(),
            lease_sending: Script::new(include_str!("lease_sending.lua")),
            release_sending: Script::new(include_str!("release_sending.lua")),
            probe: probe(prefix),
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
    fn prepare<'a>(&self, script: &'a Script, issue: CodeIssue) -> ScriptInvocation<'a> {
        let mut invocation = script.key(self.window_key(issue.user_id));
        invocation.arg(issue.number);
        invocation
    }

    /// Prepares a script for the lease of one mail with its key and first argument.
    fn prepare_lease<'a>(
        &self,
        script: &'a Script,
        mail: MailKey,
        sender: Uuid,
    ) -> ScriptInvocation<'a> {
        let mut invocation = script.key(self.sending_key(mail));
        invocation.arg(sender.to_string());
        invocation
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
        let mut script = self.prepare_lease(&self.lease_sending, mail, sender);
        script.arg(millis(lease).max(1));
        let is_held: bool = self.connection.invoke(&script).await?;
        Ok(if is_held { SendingLease::Held } else { SendingLease::HeldByAnother })
    }

    async fn release_sending(&self, mail: MailKey, sender: Uuid) -> Result<(), CodeStoreError> {
        let script = self.prepare_lease(&self.release_sending, mail, sender);
        Ok(self.connection.invoke(&script).await?)
    }

    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        mail: MailState,
    ) -> Result<Opening, CodeStoreError> {
        let mut script = self.prepare(&self.open, issue);
        script.arg(micros(window.length)).arg(window.attempts).arg(millis(window.memory()));
        let is_accepted = mail == MailState::Accepted;
        script.arg(u8::from(is_accepted)).arg(window.derivation.to_string());
        read_opening(self.connection.invoke(&script).await?)
    }

    async fn lease_and_open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        sender: Uuid,
        lease: Duration,
    ) -> Result<Option<Opening>, CodeStoreError> {
        let mail = MailKey::Code(issue);
        let mut both = Pipeline::with_capacity(2);
        call(&mut both, &self.lease_sending, self.sending_key(mail))
            .arg(sender.to_string())
            .arg(millis(lease).max(1));
        call(&mut both, &self.open, self.window_key(issue.user_id))
            .arg(issue.number)
            .arg(micros(window.length))
            .arg(window.attempts)
            .arg(millis(window.memory()))
            .arg(0)
            .arg(window.derivation.to_string());
        let answers: Result<(bool, OpenAnswer), _> = self.connection.query_all(&both).await;
        match answers {
            Ok((true, opening)) => read_opening(opening).map(Some),
            Ok((false, _)) => Ok(None),
            // The server does not know the scripts, so they are loaded one by one.
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
        let mut mark = redis::cmd("SET");
        mark.arg(self.notice_key(notice)).arg(1).arg("PX").arg(millis(CODE_STORE_MEMORY));
        Ok(self.connection.query(&mark).await?)
    }

    async fn is_notice_accepted(&self, notice: EventId) -> Result<bool, CodeStoreError> {
        let mut look_up = redis::cmd("EXISTS");
        look_up.arg(self.notice_key(notice));
        Ok(self.connection.query(&look_up).await?)
    }

    async fn spend_attempt(&self, issue: CodeIssue) -> Result<Attempt, CodeStoreError> {
        let script = self.prepare(&self.spend_attempt, issue);
        let (answer, left, recorded): (String, u32, String) =
            self.connection.invoke(&script).await?;
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
        let answer: String = self.connection.invoke(&self.prepare(&self.consume, issue)).await?;
        match answer.as_str() {
            "won" => Ok(Consumption::Won),
            "consumed" => Ok(Consumption::AlreadyConsumed),
            "gone" => Ok(Consumption::Gone),
            _ => Err(unknown(answer)),
        }
    }

    async fn release(&self, issue: CodeIssue) -> Result<(), CodeStoreError> {
        Ok(self.connection.invoke(&self.prepare(&self.release, issue)).await?)
    }

    async fn ping(&self) -> Result<(), CodeStoreError> {
        Ok(self.connection.query(&self.probe).await?)
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

/// Adds the call of a script that the server knows, with its key.
fn call<'a>(pipeline: &'a mut Pipeline, script: &Script, key: String) -> &'a mut Pipeline {
    pipeline.cmd("EVALSHA").arg(script.get_hash()).arg(1).arg(key)
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

fn read_derivation(recorded: &str) -> Result<Derivation, CodeStoreError> {
    recorded.parse().map_err(|error: DerivationError| CodeStoreError(error.into()))
}

fn unknown(answer: String) -> CodeStoreError {
    CodeStoreError(UnknownAnswer(answer).into())
}
