//! Looks for the commit and the date: in the environment first, then in the checkout.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use time::{Date, OffsetDateTime};

pub(crate) const COMMIT_VARIABLE: &str = "REGISTRATION_BUILD_COMMIT";
pub(crate) const DATE_VARIABLE: &str = "SOURCE_DATE_EPOCH";

const UNKNOWN: &str = "unknown";

/// Where a binary comes from.
pub(crate) struct Origin {
    pub(crate) commit: String,
    pub(crate) date: Date,
    /// The files that change when the checkout is at another commit.
    pub(crate) watched: Vec<PathBuf>,
}

/// The origin of what is being compiled, or what is wrong with the environment.
pub(crate) fn find() -> Result<Origin, String> {
    let date = match variable(DATE_VARIABLE) {
        Some(seconds) => parse_date(&seconds)?,
        None => OffsetDateTime::now_utc().date(),
    };
    if let Some(commit) = variable(COMMIT_VARIABLE) {
        return Ok(Origin { commit: check_commit(commit)?, date, watched: Vec::new() });
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    // An archive that is unpacked in a checkout of something else has not that one's commit.
    if !root.join(".git").exists() {
        return Ok(Origin { commit: UNKNOWN.to_owned(), date, watched: Vec::new() });
    }
    let commit = git(root, &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    Ok(Origin {
        commit: commit.unwrap_or_else(|| UNKNOWN.to_owned()),
        date,
        watched: watched(root),
    })
}

/// Set, and to something: the default of a build argument is nothing.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn parse_date(seconds: &str) -> Result<Date, String> {
    let time = seconds.parse().ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    time.map(OffsetDateTime::date).ok_or_else(|| {
        format!("{DATE_VARIABLE} is {seconds:?}; set it to seconds since 1970, or not at all")
    })
}

fn check_commit(commit: String) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if commit.chars().all(is_allowed) {
        Ok(commit)
    } else {
        Err(format!("{COMMIT_VARIABLE} is {commit:?}; set it to the name of a commit"))
    }
}

/// `HEAD` changes with a checkout, and its log with every commit. There is no log where somebody
/// has turned it off.
fn watched(root: &Path) -> Vec<PathBuf> {
    let path = |name: &str| git(root, &["rev-parse", "--git-path", name]);
    let paths = ["HEAD", "logs/HEAD"].into_iter().filter_map(path);
    paths.map(|path| root.join(path)).filter(|path| path.is_file()).collect()
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // Reading must not lock the index for whoever is at work in the checkout.
    command.current_dir(root).args(arguments).env("GIT_OPTIONAL_LOCKS", "0");
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_epoch_in_utc() {
        assert_eq!(parse_date("1700000000").unwrap().to_string(), "2023-11-14");
        for wrong in ["yesterday", "1.5", "99999999999999999"] {
            let problem = parse_date(wrong).unwrap_err();
            assert!(problem.contains(wrong) && problem.contains("seconds"), "{problem}");
        }
    }

    #[test]
    fn a_commit_cannot_be_anything_else() {
        assert_eq!(check_commit("1f2e-dirty".into()).as_deref(), Ok("1f2e-dirty"));
        for wrong in ["main branch", "\"", "a/b"] {
            assert!(check_commit(wrong.into()).is_err(), "{wrong}");
        }
    }
}
