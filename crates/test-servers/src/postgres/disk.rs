//! A disk of the server's own: small, and as full or as broken as a test wants it.
//!
//! It is an ext4 file system in a file, mounted in a mount namespace that one process holds open. So
//! nobody else sees it, and the kernel unmounts it when that process ends, whatever ended it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};

use super::programs::NAME;
use crate::error::ServerError;
use crate::log::{last_lines, log_to};
use crate::process::{Group, Interrupt, POLL, Signal, tied_to_us};
use crate::tool;

/// A new cluster takes a tenth of it.
const SIZE: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Disk {
    image: PathBuf,
    mount_point: PathBuf,
    /// The process whose mount namespace has the disk.
    holder: Group,
}

impl Disk {
    /// Makes an empty one in `folder`.
    pub(super) fn new(folder: &Path, interrupt: &Interrupt) -> Result<Self, ServerError> {
        let (image, mount_point) = (folder.join("disk.image"), folder.join("disk"));
        let failed = |source| ServerError::Folder { path: folder.to_owned(), source };
        fs::create_dir(&mount_point).map_err(failed)?;
        File::create(&image).and_then(|file| file.set_len(SIZE)).map_err(failed)?;
        // Without a share that only root may use: the server is somebody else.
        tool::output(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image))
            .map_err(|error| no_disk(&error))?;
        let holder = start_holder(&folder.join("disk.log"), interrupt)?;
        let disk = Self { image, mount_point, holder };
        disk.mount().map_err(|error| no_disk(&error))?;
        Ok(disk)
    }

    /// Where the server finds it.
    pub(super) fn mount_point(&self) -> &Path {
        &self.mount_point
    }

    /// Where this process finds what the server knows as `path`.
    pub(super) fn seen_from_outside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.pid()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The same command, which sees the disk.
    pub(super) fn enter(&self, command: &Command) -> Command {
        let mut entered = Command::new("nsenter");
        entered.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.pid())).arg("--");
        entered.arg(command.get_program()).args(command.get_args());
        entered
    }

    /// Takes all the space that is left.
    pub(super) fn fill(&self) -> Result<(), ServerError> {
        let path = self.ballast();
        let failed = |source| ServerError::Folder { path: path.clone(), source };
        // To go on where it ended before, if the server has freed something since.
        let mut file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let free = fstatvfs(&file).map_err(|error| failed(error.into()))?;
        // The file's own bookkeeping takes some too, so the last part follows block by block.
        let most = (free.f_bavail * free.f_frsize).saturating_sub(1 << 20);
        let length = file.metadata().map_err(failed)?.len();
        if most > 0 {
            fallocate(&file, FallocateFlags::empty(), length, most)
                .map_err(|error| failed(error.into()))?;
        }
        loop {
            match file.write_all(&[0; 4096]) {
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                written => written.map_err(failed)?,
            }
        }
    }

    /// Ends what `fill` began.
    pub(super) fn free(&self) -> Result<(), ServerError> {
        let path = self.ballast();
        fs::remove_file(&path).map_err(|source| ServerError::Folder { path, source })
    }

    /// Aborts the file system, as the kernel does when a disk returns errors: nothing can be written
    /// any more, not even to files that are open.
    pub(super) fn make_read_only(&self) -> Result<(), ServerError> {
        self.run(Command::new("mount").args(["-o", "remount,abort"]).arg(&self.mount_point))
    }

    /// Repairs and mounts it again. No process may use it meanwhile.
    pub(super) fn repair(&self) -> Result<(), ServerError> {
        self.run(Command::new("umount").arg(&self.mount_point))?;
        // Ends with 1 when it has repaired something.
        let mut check = Command::new("sh");
        check.args(["-c", "e2fsck -fy \"$0\" || [ $? = 1 ]"]).arg(&self.image);
        tool::output(&check)?;
        self.mount()
    }

    fn mount(&self) -> Result<(), ServerError> {
        self.run(Command::new("mount").args(["-o", "loop"]).args([&self.image, &self.mount_point]))
    }

    fn run(&self, command: &Command) -> Result<(), ServerError> {
        tool::output(&self.enter(command)).map(drop)
    }

    fn ballast(&self) -> PathBuf {
        self.seen_from_outside(&self.mount_point).join("ballast")
    }
}

/// Starts a process that does nothing, in a mount namespace of its own.
fn start_holder(log: &Path, interrupt: &Interrupt) -> Result<Group, ServerError> {
    let mut command = tied_to_us(None, "KILL", Path::new("unshare"));
    command.args(["--mount", "--propagation=private", "--", "sleep", "infinity"]);
    log_to(&mut command, log)?;
    let mut holder = Group::start(&mut command, Signal::KILL)?;
    let name = format!("/proc/{}/comm", holder.pid());
    while fs::read_to_string(&name).is_ok_and(|name| name != "sleep\n") {
        interrupt.check()?;
        if holder.exited()?.is_some() {
            return Err(no_disk(&last_lines(log).trim()));
        }
        thread::sleep(POLL);
    }
    Ok(holder)
}

fn no_disk(problem: &impl ToString) -> ServerError {
    ServerError::NoDisk { name: NAME, problem: problem.to_string() }
}
