//! The images of the servers, made on this machine: a registry need not be reached.
//!
//! One file tree of Debian 13 has all servers; `xtask/images` says how each official image that
//! compose.yaml names is made of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::read_with_retries;
use super::docker::Docker;
use super::error::ComposeError;
use super::tools::Tools;
use crate::process::Interrupt;
use crate::workspace;

const BASE: &str = "registration-base";
const BASE_LIMIT: Duration = Duration::from_mins(10);
const BUILD_LIMIT: Duration = Duration::from_mins(3);

/// The official images and the folders of their stand-ins in `xtask/images`.
const STAND_INS: [(&str, &str); 4] = [
    ("postgres:17", "postgres"),
    ("redis:8.0", "redis"),
    ("rabbitmq:4.0", "rabbitmq"),
    ("axllent/mailpit:v1.27", "mailpit"),
];

/// The file tree of the stand-ins, not yet imported.
pub(super) struct Base {
    archive: PathBuf,
    /// Where the script is kept once the image is there.
    made_by: PathBuf,
    script: String,
}

/// Makes the file tree, unless the engine has the one that the same script made. Needs the network,
/// so it comes before the engine.
pub(super) fn make_base(
    tools: &Tools,
    cache: &Path,
    interrupt: &Interrupt,
) -> Result<Option<Base>, ComposeError> {
    let path = folder().join("make-base.sh");
    let script = fs::read_to_string(&path).map_err(ComposeError::file(&path))?;
    let base =
        Base { archive: cache.join("base.tar"), made_by: cache.join("base-made-by.sh"), script };
    if fs::read_to_string(&base.made_by).is_ok_and(|text| text == base.script) {
        return Ok(None);
    }
    eprintln!("xtask: making an image of Debian 13 with PostgreSQL, Redis and RabbitMQ");
    let root = cache.join("base");
    // In a namespace of its own, so that what debootstrap mounts goes with it.
    let mut make = Command::new("unshare");
    make.args(["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "sh"])
        .args([&path, &root, &base.archive])
        .env("PATH", tools.search_path())
        .env("DEBOOTSTRAP_DIR", tools.path("share/debootstrap"));
    read_with_retries(&mut make, BASE_LIMIT, interrupt)?;
    fs::remove_dir_all(&root).map_err(ComposeError::file(&root))?;
    Ok(Some(base))
}

/// Imports the file tree, if there is a new one, and makes the images of it. `binaries` is where
/// the program of the inbox is, for Mailpit's.
pub(super) fn make(
    docker: &Docker,
    base: Option<Base>,
    binaries: &Path,
    interrupt: &Interrupt,
) -> Result<(), ComposeError> {
    if let Some(Base { archive, made_by, script }) = base {
        let path = archive.display().to_string();
        docker.read(&["import", &path, BASE], BUILD_LIMIT, interrupt)?;
        fs::remove_file(&archive).map_err(ComposeError::file(&archive))?;
        fs::write(&made_by, script).map_err(ComposeError::file(&made_by))?;
    }
    for (name, below) in STAND_INS {
        let context = format!("binaries={}", binaries.display());
        let path = folder().join(below).display().to_string();
        let build =
            ["buildx", "build", "--quiet", "--tag", name, "--build-context", &context, &path];
        docker.read(&build, BUILD_LIMIT, interrupt)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    workspace::root().join("xtask/images")
}
