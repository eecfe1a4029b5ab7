//! Docker and Compose from Debian 13 (trixie), unpacked under the target folder: nothing is installed.
//!
//! Debian 12 has an engine too old for `start_interval`. What runs against the C library of this
//! system (runc, iptables) comes from its own packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::{read, read_with_retries};
use super::error::ComposeError;
use crate::packages::{self, Package};
use crate::process::{Interrupt, find_program};
use crate::workspace;

/// What is taken from Debian 13.
const UNPACKED: [&str; 7] = [
    "containerd",
    "debootstrap",
    "docker-buildx",
    "docker-cli",
    "docker-compose",
    "docker.io",
    "tini",
];

const SOURCE: &str = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
    http://deb.debian.org/debian trixie main\n";

/// What the engine and the making of images need of this system.
const OF_THIS_SYSTEM: [Package; 5] = [
    Package { name: "runc", find: || in_sbin("runc") },
    Package { name: "iptables", find: || in_sbin("iptables") },
    Package { name: "iproute2", find: || in_sbin("ip") },
    Package { name: "wget", find: || in_sbin("wget") },
    Package { name: "debian-archive-keyring", find: keyring },
];

const DOWNLOAD_LIMIT: Duration = Duration::from_mins(3);

fn in_sbin(program: &str) -> Option<PathBuf> {
    find_program(program, &["/usr/sbin".into(), "/sbin".into()])
}

fn keyring() -> Option<PathBuf> {
    let keyring = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
    keyring.is_file().then(|| keyring.to_path_buf())
}

/// Everything that this command keeps between runs.
pub(super) fn cache() -> Result<PathBuf, ComposeError> {
    let target = workspace::target().map_err(ComposeError::file("the target folder"))?;
    Ok(target.join("compose"))
}

/// The unpacked packages.
pub(super) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// All that an engine and its images need.
    pub(super) fn ensure(interrupt: &Interrupt) -> Result<Self, ComposeError> {
        packages::ensure(&OF_THIS_SYSTEM, interrupt)?;
        Self::unpack(interrupt)
    }

    /// Downloads and unpacks what is not there yet.
    pub(super) fn unpack(interrupt: &Interrupt) -> Result<Self, ComposeError> {
        let cache = cache()?;
        let tools = Self { folder: cache.join("tools") };
        // Written last: a folder without it was not finished.
        let complete = tools.folder.join("complete.txt");
        let wanted = UNPACKED.join("\n");
        if fs::read_to_string(&complete).is_ok_and(|text| text == wanted) {
            return Ok(tools);
        }
        eprintln!("xtask: downloading {}", UNPACKED.join(", "));
        let packages = download(&cache.join("apt"), interrupt)?;
        empty_folder(&tools.folder)?;
        for package in packages {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(&package).arg(&tools.folder);
            read(&mut unpack, DOWNLOAD_LIMIT, interrupt)?;
            fs::remove_file(&package).map_err(ComposeError::file(&package))?;
        }
        fs::write(&complete, wanted).map_err(ComposeError::file(&complete))?;
        Ok(tools)
    }

    /// A program or another file of the packages, by its path below `/usr`.
    pub(super) fn path(&self, below_usr: &str) -> PathBuf {
        self.folder.join("usr").join(below_usr)
    }

    /// A `PATH` on which the unpacked programs come first, then those of this system.
    pub(super) fn search_path(&self) -> String {
        let own = ["bin", "sbin"].map(|folder| self.path(folder).display().to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}:/usr/sbin:/sbin", own.join(":"))
    }
}

/// Downloads the packages with an apt configuration of their own.
fn download(folder: &Path, interrupt: &Interrupt) -> Result<Vec<PathBuf>, ComposeError> {
    empty_folder(folder)?;
    for below in ["state/lists/partial", "cache/archives/partial", "packages"] {
        fs::create_dir_all(folder.join(below)).map_err(ComposeError::file(folder))?;
    }
    let configuration = folder.join("apt.conf");
    for (name, text) in [
        ("apt.conf", apt_configuration(folder)),
        ("sources.list", SOURCE.to_owned()),
        ("status", String::new()),
    ] {
        fs::write(folder.join(name), text).map_err(ComposeError::file(folder))?;
    }
    let packages = folder.join("packages");
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &configuration).current_dir(&packages).arg("--quiet");
        command
    };
    read_with_retries(apt().arg("update"), DOWNLOAD_LIMIT, interrupt)?;
    read_with_retries(apt().arg("download").args(UNPACKED), DOWNLOAD_LIMIT, interrupt)?;
    let entries = fs::read_dir(&packages).map_err(ComposeError::file(&packages))?;
    Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
}

/// Nothing of this system's apt is read or written.
fn apt_configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::State \"{folder}/state\";\n\
         Dir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::Retries \"3\";\n\
         APT::Sandbox::User \"root\";\n"
    )
}

/// Makes `folder`, without what an earlier run left in it.
pub(super) fn empty_folder(folder: &Path) -> Result<(), ComposeError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(ComposeError::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(ComposeError::file(folder))
}
