//! Runs commands that end soon, for their output.

use std::process::Command;

use test_servers::text;

use super::error::ReleaseError;

/// What a command prints, which must succeed.
pub(super) fn output(command: &mut Command) -> Result<String, ReleaseError> {
    let program = text(command);
    let output = command.output().map_err(ReleaseError::file(command.get_program()))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let output = [printed.as_str(), &String::from_utf8_lossy(&output.stderr)].concat();
    Err(ReleaseError::Failed { program, output })
}

/// The SHA-256 of a file, in hexadecimal.
pub(super) fn sha256(path: &std::path::Path) -> Result<String, ReleaseError> {
    let said = output(Command::new("sha256sum").arg("--").arg(path))?;
    match said.split_once(' ') {
        Some((sum, _)) => Ok(sum.to_owned()),
        None => Err(ReleaseError::Unexpected { program: "sha256sum", said }),
    }
}
