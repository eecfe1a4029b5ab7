//! The binaries of this checkout as the stage `build` of deploy/Dockerfile leaves them, so that the
//! images' last stages can be built of them and nothing is compiled in a container.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::command::read;
use super::error::ComposeError;
use super::tools::empty_folder;
use crate::process::{self, Interrupt};
use crate::{test, workspace};

/// Where cargo puts them, below the folder of the binaries.
const PROGRAMS: [&str; 3] = ["registration-api", "email-worker", "examples/inbox"];
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
const LIMIT: Duration = Duration::from_mins(1);

/// Builds them as the tests do and lays them out in a new folder `binaries` below `cache`.
pub(super) fn lay_out(cache: &Path, interrupt: &Interrupt) -> Result<PathBuf, ComposeError> {
    let folder = cache.join("binaries");
    let out = folder.join("out");
    empty_folder(&folder)?;
    empty_folder(&out)?;
    let built = workspace::binaries().map_err(ComposeError::file("the target folder"))?;
    process::succeed(&mut test::build_command(), interrupt)?;

    let mut libraries = BTreeSet::new();
    for program in PROGRAMS {
        let name = Path::new(program).file_name().unwrap_or(program.as_ref());
        let target = out.join(name);
        // Without what only a debugger needs, which is most of them.
        let mut strip = Command::new("strip");
        read(strip.arg("-o").arg(&target).arg(built.join(program)), LIMIT, interrupt)?;
        let listed = read(Command::new("ldd").arg(&target), LIMIT, interrupt)?;
        libraries.extend(paths_of_libraries(&listed).map(str::to_owned));
    }
    libraries.insert(format!("/{CERTIFICATES}"));
    for file in libraries {
        let target = folder.join("runtime").join(file.trim_start_matches('/'));
        let parent = target.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(ComposeError::file(parent))?;
        fs::copy(&file, &target).map_err(ComposeError::file(&target))?;
    }
    Ok(folder)
}

/// The files that `ldd` names, the loader among them.
fn paths_of_libraries(listed: &str) -> impl Iterator<Item = &str> {
    listed.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_one_of_the_libraries() {
        let listed = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld.so.2 (0x3)\n";
        let paths: Vec<_> = paths_of_libraries(listed).collect();
        assert_eq!(paths, ["/lib/libc.so.6", "/lib64/ld.so.2"]);
    }
}
