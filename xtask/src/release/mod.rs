//! `cargo xtask release`: what users get of a commit, made and tried out.
//!
//! Below `target/dist`: an archive of the binaries with man pages and completions, a Debian package, a
//! software bill of materials of each binary, and the checksums of all of them. The same commit gives the same
//! files, except for the compiler's own.

mod build;
mod command;
mod deb;
mod error;
mod lock;
mod sbom;
mod trial;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use build::{Origin, PROGRAMS, Profile, VERSION, empty_folder};
use command::{output, sha256};
pub(crate) use error::ReleaseError;

use crate::packages::{self, Package};
use crate::process::{Interrupt, find_program};
use crate::{Failure, workspace};

/// What makes a package and tries it out.
const NEEDED: [Package; 4] = [
    Package { name: "dpkg-dev", find: || find_program("dpkg-shlibdeps", &[]) },
    Package { name: "binutils", find: || find_program("strip", &[]) },
    Package { name: "man-db", find: || find_program("man", &[]) },
    Package { name: "systemd", find: || find_program("systemd-analyze", &[]) },
];

/// Makes a release and tries its package out; `None` if the arguments say something else.
pub(crate) fn run(
    arguments: &[String],
    interrupt: &Interrupt,
) -> Option<Result<ExitCode, Failure>> {
    let profile = match arguments {
        [] => Profile::Release,
        [flag] if flag == "--debug" => Profile::Debug,
        _ => return None,
    };
    Some(make(profile, interrupt).map(|()| ExitCode::SUCCESS).map_err(Failure::from))
}

fn make(profile: Profile, interrupt: &Interrupt) -> Result<(), ReleaseError> {
    packages::ensure(&NEEDED, interrupt)?;
    let origin = Origin::find();
    let binaries = build::build(profile, &origin, interrupt)?;
    let started = Instant::now();
    let target = workspace::target().map_err(ReleaseError::file("the target folder"))?;
    let dist = target.join("dist");
    empty_folder(&dist)?;
    for program in PROGRAMS {
        let bill = sbom::describe(program, &sha256(&binaries.join(program))?)?;
        let path = dist.join(format!("{program}.cdx.json"));
        fs::write(&path, format!("{bill:#}\n")).map_err(ReleaseError::file(path))?;
    }
    archive(&binaries, &dist, &origin)?;
    let bill = dist.join("standalone.cdx.json");
    let package = deb::pack(&binaries, &bill, &dist, &origin)?;
    write_checksums(&dist)?;
    eprintln!("xtask: the release is in {}", dist.display());
    trial::try_out(&package, interrupt)?;
    eprintln!("xtask: the package works ({:.0?})", started.elapsed());
    Ok(())
}

/// All three programs with their man pages and completions, to be unpacked below `/usr/local`.
fn archive(binaries: &Path, dist: &Path, origin: &Origin) -> Result<(), ReleaseError> {
    let name = format!("registration-{VERSION}-linux-{}", std::env::consts::ARCH);
    let folder = dist.with_file_name("release-archive");
    empty_folder(&folder)?;
    let tree = folder.join(&name);
    for program in PROGRAMS {
        build::install(binaries, program, program, &tree)?;
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let source = workspace::root().join(licence);
        fs::copy(&source, tree.join(licence)).map_err(ReleaseError::file(source))?;
    }
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"]);
    tar.args(origin.date.iter().map(|date| format!("--mtime=@{date}")));
    tar.arg("--directory").arg(&folder).args(["--gzip", "--create", "--file"]);
    output(tar.arg(dist.join(format!("{name}.tar.gz"))).arg(&name)).map(|_| ())
}

fn write_checksums(dist: &Path) -> Result<(), ReleaseError> {
    let entries = fs::read_dir(dist).map_err(ReleaseError::file(dist))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    let sums = output(Command::new("sha256sum").current_dir(dist).args(names))?;
    let path = dist.join("SHA256SUMS");
    fs::write(&path, sums).map_err(ReleaseError::file(path))
}
