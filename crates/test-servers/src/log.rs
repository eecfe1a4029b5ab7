//! What a server prints, kept in a file.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::ServerError;

/// Sends what `command` prints to a new file `log`.
pub(crate) fn log_to(command: &mut Command, log: &Path) -> Result<(), ServerError> {
    let failed = |source| ServerError::Folder { path: log.to_owned(), source };
    let file = File::create(log).map_err(failed)?;
    command.stderr(file.try_clone().map_err(failed)?).stdout(Stdio::from(file));
    Ok(())
}

/// The last lines of a log, indented; for an error.
pub(crate) fn last_lines(log: &Path) -> String {
    const LINES: usize = 20;
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let indented = |line: &&str| ["    ", *line].concat();
    let last = lines[lines.len().saturating_sub(LINES)..].iter().map(indented);
    last.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept_short() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<_> = (1..=100).map(|number| format!("line {number}")).collect();
        std::fs::write(log.path(), lines.join("\n")).unwrap();
        let end = last_lines(log.path());
        assert!(end.starts_with("    line 81\n") && end.ends_with("    line 100"), "{end}");
    }
}
