//! Runs commands for their output, each with a deadline.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use test_servers::{Group, POLL, Signal, text};

use super::error::ComposeError;
use crate::process::Interrupt;

/// How many lines of a failed command's output are shown.
const SHOWN_LINES: usize = 20;

/// Runs `command` to its end and returns its standard output.
pub(super) fn read(
    command: &mut Command,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<String, ComposeError> {
    let unwritable = || ComposeError::file(std::env::temp_dir());
    let mut output = tempfile::tempfile().map_err(unwritable())?;
    let mut errors = tempfile::tempfile().map_err(unwritable())?;
    command.stdout(output.try_clone().map_err(unwritable())?);
    command.stderr(errors.try_clone().map_err(unwritable())?);

    let mut group = Group::start(command, Signal::TERM)?;
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = group.exited()? {
            break Some(status);
        }
        if Instant::now() > deadline {
            break None;
        }
        interrupt.check()?;
        thread::sleep(POLL);
    };
    drop(group);

    let output = contents(&mut output);
    let program = text(command);
    match status {
        Some(status) if status.success() => Ok(output),
        Some(_) => Err(ComposeError::Failed { program, output: end_of(&output, &mut errors) }),
        None => {
            Err(ComposeError::Deadline { program, limit, output: end_of(&output, &mut errors) })
        }
    }
}

/// Runs `command` up to three times: what is downloaded can fail to arrive.
pub(super) fn read_with_retries(
    command: &mut Command,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<String, ComposeError> {
    const RETRIES: u32 = 2;
    for retry in 1..=RETRIES {
        match read(command, limit, interrupt) {
            Err(error @ (ComposeError::Failed { .. } | ComposeError::Deadline { .. })) => {
                eprintln!("xtask: retry {retry} of {RETRIES}, because {error}");
                thread::sleep(Duration::from_secs(u64::from(retry)));
            }
            finished => return finished,
        }
    }
    read(command, limit, interrupt)
}

/// Repeats `look` until it returns a value. Its error is the description of what it saw instead.
pub(super) fn wait_for<T>(
    what: &str,
    limit: Duration,
    interrupt: &Interrupt,
    mut look: impl FnMut() -> Result<T, String>,
) -> Result<T, ComposeError> {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() > deadline => {
                return Err(ComposeError::Waited { what: what.to_owned(), limit, seen });
            }
            Err(_) => {
                interrupt.check()?;
                thread::sleep(4 * POLL);
            }
        }
    }
}

fn contents(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    if let Err(error) = read {
        return format!("(unreadable: {error})");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn end_of(output: &str, errors: &mut File) -> String {
    last_lines(&[output, &contents(errors)].concat())
}

/// The last lines of a text, indented.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_output_of_a_failed_command_is_shown() {
        let interrupt = Interrupt::catch().unwrap();
        let error =
            read(&mut shell("echo out; echo problem >&2; exit 3"), LIMIT, &interrupt).unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains("    out\n    problem"), "{sentence}");
    }

    #[test]
    fn a_command_that_hangs_is_stopped_at_its_deadline() {
        let interrupt = Interrupt::catch().unwrap();
        let limit = Duration::from_millis(100);
        let error = read(&mut shell("echo begun; sleep 600"), limit, &interrupt).unwrap_err();
        assert!(matches!(error, ComposeError::Deadline { .. }), "{error}");
    }

    #[test]
    fn what_fails_once_is_tried_again() {
        let interrupt = Interrupt::catch().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tried = folder.path().join("tried");
        let script = format!("[ -e {0} ] || {{ touch {0}; exit 1; }}; echo done", tried.display());
        let output = read_with_retries(&mut shell(&script), LIMIT, &interrupt).unwrap();
        assert_eq!(output, "done\n");
    }
}
