//! What an operator should know about the data directory. What is written there is taken back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::Finding;

const DIRECTORY: &str = "data.directory";
const PERMISSIONS: &str = "data.permissions";
const SPACE: &str = "data.space";

/// Less free space than this may not last the day, and less than the other lasts for nothing.
const LITTLE_SPACE: u64 = 1_000_000_000;
const NO_SPACE: u64 = 50_000_000;

/// Permissions of anybody but the owner.
const OTHERS: u32 = 0o077;

/// Looks at whether the directory can be used, by whom, and for how long.
pub(crate) fn diagnose(path: &Path) -> Vec<Finding> {
    if !path.exists() {
        // Names like `data` are relative to the working directory.
        let existing = path.ancestors().skip(1).find(|parent| parent.exists());
        let existing = existing.filter(|path| !path.as_os_str().is_empty());
        return examine(
            path,
            existing.unwrap_or(Path::new(".")),
            "will be made by the first start",
        );
    }
    let mut findings = examine(path, path, "can be written");
    findings.push(judge_permissions(path));
    findings
}

fn examine(path: &Path, existing: &Path, message: &str) -> Vec<Finding> {
    let shown = path.display();
    let writes = match write_and_remove(existing) {
        Ok(()) => Finding::ok(DIRECTORY, format!("{shown} {message}")),
        Err(error) => Finding::error(
            DIRECTORY,
            format!("nothing can be written to {shown}: {error}"),
            "let the user of this process write there, or choose another with --data-dir",
        ),
    };
    vec![writes, judge_space(existing)]
}

fn write_and_remove(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(sync_a_block);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn sync_a_block(mut file: File) -> io::Result<()> {
    file.write_all(&[0; 4096]).and_then(|()| file.sync_all())
}

fn judge_space(directory: &Path) -> Finding {
    match rustix::fs::statvfs(directory) {
        Ok(file_system) => judge_free_space(file_system.f_bavail * file_system.f_frsize),
        Err(error) => {
            let message = format!("the free space cannot be read: {error}");
            Finding::warning(SPACE, message, "look at it with `df`")
        }
    }
}

fn judge_free_space(bytes: u64) -> Finding {
    let message = format!("{} MB are free", bytes / 1_000_000);
    let advice = "free some, or move the data directory to a larger disk";
    match bytes {
        ..NO_SPACE => Finding::error(SPACE, message, advice),
        NO_SPACE..LITTLE_SPACE => Finding::warning(SPACE, message, advice),
        _ => Finding::ok(SPACE, message),
    }
}

/// The directory and its files hold the code key and all addresses.
fn judge_permissions(directory: &Path) -> Finding {
    match open_to_others(directory) {
        Ok(open) if open.is_empty() => {
            Finding::ok(PERMISSIONS, "only the owner can read what is in there")
        }
        Ok(open) => Finding::warning(
            PERMISSIONS,
            format!("other users of this machine can open {}", open.join(", ")),
            format!("chmod -R go= {}", directory.display()),
        ),
        Err(error) => {
            let message = format!("the directory cannot be listed: {error}");
            Finding::error(PERMISSIONS, message, "let the user of this process read it")
        }
    }
}

/// The names of what others may open.
fn open_to_others(directory: &Path) -> io::Result<Vec<String>> {
    let is_open = |metadata: fs::Metadata| metadata.permissions().mode() & OTHERS != 0;
    let mut open = Vec::new();
    if is_open(fs::metadata(directory)?) {
        open.push(directory.display().to_string());
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Gone in between is as good as closed.
        if entry.metadata().is_ok_and(is_open) {
            open.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use domain::Severity;

    use super::*;

    fn severities(path: &Path) -> Vec<(&'static str, Severity)> {
        diagnose(path).iter().map(|finding| (finding.check, finding.severity)).collect()
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_read_is_named_with_its_files() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("data");
        fs::create_dir(&directory).unwrap();
        set_mode(&directory, 0o700);
        let key = directory.join("code.key");
        fs::write(&key, "secret").unwrap();
        set_mode(&key, 0o600);
        assert_eq!(
            severities(&directory),
            [DIRECTORY, SPACE, PERMISSIONS].map(|check| (check, Severity::Ok))
        );
        set_mode(&key, 0o640);
        let finding = diagnose(&directory).pop().unwrap();
        assert_eq!((finding.check, finding.severity), (PERMISSIONS, Severity::Warning));
        assert!(finding.message.ends_with("can open code.key"), "{finding:?}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "the check leaves something");
    }

    #[test]
    fn a_directory_that_is_missing_is_none_of_its_business() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/data");
        assert_eq!(severities(&directory), [DIRECTORY, SPACE].map(|check| (check, Severity::Ok)),);
        assert!(!parent.path().join("a").exists());
    }

    #[test]
    fn what_takes_no_writes_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(severities(&file.join("data"))[0], (DIRECTORY, Severity::Error));
        // Root writes everywhere but there.
        let link = parent.path().join("link");
        symlink("/proc/self", &link).unwrap();
        assert_eq!(severities(&link)[0], (DIRECTORY, Severity::Error));
    }

    #[test]
    fn the_less_space_the_worse() {
        let severity = |bytes| judge_free_space(bytes).severity;
        assert_eq!(severity(49_999_999), Severity::Error);
        assert_eq!(severity(999_999_999), Severity::Warning);
        assert_eq!(severity(1_000_000_000), Severity::Ok);
    }
}
