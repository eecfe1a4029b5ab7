//! The command-line tools that come with the servers.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::ServerError;
use crate::process::{POLL, text};

/// How long a server may take to do what it was asked to.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs a tool and returns what it prints, without the last line's end. It has half a minute: a
/// server that stands still would keep it waiting.
pub(crate) fn output(tool: &Command) -> Result<String, ServerError> {
    let failed = |problem| ServerError::Tool { command: text(tool), problem };
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", "30"]).arg(tool.get_program()).args(tool.get_args());
    for (name, value) in tool.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("cannot run timeout: {error}")))?;
    match output.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
        Some(124) => Err(failed("no answer within 30 s".to_owned())),
        _ => {
            let said = [output.stderr, output.stdout].concat();
            Err(failed(String::from_utf8_lossy(&said).trim().replace('\n', "; ")))
        }
    }
}

/// Asks again and again whether something has come about, which is `what`.
pub(crate) fn wait_until(
    what: &'static str,
    mut has_come: impl FnMut() -> Result<bool, ServerError>,
) -> Result<(), ServerError> {
    let deadline = Instant::now() + DEADLINE;
    while !has_come()? {
        if Instant::now() > deadline {
            return Err(ServerError::InVain { what, limit: DEADLINE });
        }
        thread::sleep(POLL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<String, ServerError> {
        output(Command::new("sh").args(["-c", script]).env("GREETING", "hello"))
    }

    #[test]
    fn a_tool_gets_its_environment_and_its_answer_is_returned() {
        assert_eq!(run("echo $GREETING; echo world").unwrap(), "hello\nworld");
    }

    #[test]
    fn what_a_tool_complains_about_is_told_in_one_line() {
        let error = run("echo no >&2; echo way >&2; exit 1").unwrap_err().to_string();
        assert!(error.ends_with("failed: no; way"), "{error}");
    }
}
