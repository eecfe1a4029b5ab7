//! Valkey, on which the suites of Redis run too.
//!
//! Newer systems have a package of it. Debian 12 has one among its backports, which is unpacked
//! under the target folder: apt checks that it is Debian's, and `xtask/valkey.sha256` that it is
//! the one that was tried. Nothing of the system is changed, and the libraries that it needs are
//! those of redis-server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_servers::Redis;

use crate::packages::{self, Package, PackageError};
use crate::process::{self, Interrupt, ProcessError};
use crate::workspace;

/// What newer systems have.
const VALKEY: Package =
    Package { name: "valkey-server", find: || process::find_program("valkey-server", &[]) };
/// What brings the libraries that Valkey needs.
const REDIS: Package = Package { name: Redis::PACKAGE, find: Redis::program };

const BACKPORTS: &str = "deb http://deb.debian.org/debian bookworm-backports main\n";
const VERSION: &str = "8.0.1+dfsg1-1~bpo12+1";
const CHECKSUMS: &str = include_str!("../valkey.sha256");

/// Why Valkey is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValkeyError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("cannot write to the target folder: {0}")]
    Folder(#[from] std::io::Error),
    #[error("valkey-server {VERSION} could not be had from Debian's backports: {0}")]
    Download(#[from] ProcessError),
}

/// Where its program is, after it was unpacked or installed if it was missing.
pub(crate) fn ensure(interrupt: &Interrupt) -> Result<PathBuf, ValkeyError> {
    if let Some(program) = (VALKEY.find)() {
        return Ok(program);
    }
    if is_debian_12() {
        packages::ensure(&[REDIS], interrupt)?;
        return unpack(&workspace::target()?.join("valkey"), interrupt);
    }
    packages::ensure(&[VALKEY], interrupt)?;
    (VALKEY.find)().ok_or(PackageError::NotFound { names: VALKEY.name.to_owned() }.into())
}

fn is_debian_12() -> bool {
    fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "VERSION_CODENAME=bookworm"))
}

fn unpack(folder: &Path, interrupt: &Interrupt) -> Result<PathBuf, ValkeyError> {
    let program = folder.join("root/usr/bin/valkey-server");
    // Written last: a folder without it was not finished.
    let finished = folder.join("finished");
    if program.is_file() && fs::read_to_string(&finished).is_ok_and(|text| text == VERSION) {
        return Ok(program);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for name in ["lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(name))?;
    }
    fs::write(folder.join("sources.list"), BACKPORTS)?;
    fs::write(folder.join("sha256"), CHECKSUMS)?;
    process::succeed(apt_get(folder).arg("update"), interrupt)?;
    let names = ["server", "tools"].map(|part| format!("valkey-{part}={VERSION}"));
    process::succeed(apt_get(folder).arg("download").args(names), interrupt)?;
    let check = ["--check", "--strict", "--ignore-missing", "sha256"];
    process::succeed(Command::new("sha256sum").args(check).current_dir(folder), interrupt)?;
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(&file).arg(folder.join("root"));
            process::succeed(&mut unpack, interrupt)?;
        }
    }
    fs::write(finished, VERSION)?;
    Ok(program)
}

/// apt with no source but the backports, and with nothing of the system's but its keys.
fn apt_get(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "-o", "APT::Sandbox::User=root", "-o", "Dir::Etc::sourceparts=-"]);
    for (setting, name) in [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::State::lists", "lists"),
        ("Dir::Cache", "cache"),
    ] {
        command.arg("-o").arg(format!("{setting}={}", folder.join(name).display()));
    }
    command.current_dir(folder);
    command
}
