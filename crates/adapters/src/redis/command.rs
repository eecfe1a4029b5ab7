//! One command or script on one key: what is sent to the one server that has the key.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, Script, ServerErrorKind, ToRedisArgs, Value};

/// A command, ready to be sent.
pub(super) struct Command<'a> {
    name: &'static str,
    key: String,
    bare: Cmd,
    /// What the server has to know before it can carry the command out.
    script: Option<&'a Script>,
}

impl<'a> Command<'a> {
    /// A command whose first argument is its only key.
    pub(super) fn new(name: &'static str, key: String) -> Self {
        let mut command = redis::cmd(name);
        command.arg(&key);
        Self { name, key, bare: command, script: None }
    }

    /// The call of a script that uses one key.
    pub(super) fn call(script: &'a Script, key: String) -> Self {
        let name = "EVALSHA";
        let mut command = redis::cmd(name);
        command.arg(script.get_hash()).arg(1).arg(&key);
        Self { name, key, bare: command, script: Some(script) }
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.bare.arg(argument);
        self
    }

    /// What the command is called.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What decides which node of a cluster has it.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The bare command.
    pub(super) fn bare(&self) -> &Cmd {
        &self.bare
    }

    /// Sends it once. A server that does not know the script has done nothing with it: then the
    /// script is sent and the command once more. `asking` tells a node of a cluster that another
    /// one has sent us, for the sake of a slot that is under way between them.
    pub(super) async fn send(
        &self,
        redis: &mut MultiplexedConnection,
        asking: bool,
    ) -> Result<Value, RedisError> {
        let answer = self.send_once(redis, asking).await;
        match (answer, self.script) {
            (Err(error), Some(script)) if is_unknown_script(&error) => {
                script.load_async(redis).await?;
                self.send_once(redis, asking).await
            }
            (answer, _) => answer,
        }
    }

    async fn send_once(
        &self,
        redis: &mut MultiplexedConnection,
        asking: bool,
    ) -> Result<Value, RedisError> {
        if !asking {
            return redis.req_packed_command(&self.bare).await?.extract_error();
        }
        // In one piece: ASKING is about the next command of the connection.
        let mut both = Pipeline::with_capacity(2);
        both.cmd("ASKING").add_command(self.bare.clone());
        let answers = redis.req_packed_commands(&both, 1, 1).await?;
        let answer = answers.into_iter().next().unwrap_or(Value::Nil);
        answer.extract_error()
    }
}

pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
