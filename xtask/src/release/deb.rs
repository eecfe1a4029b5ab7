//! The Debian package of the standalone binary, `registration-standalone`.
//!
//! Packed by Debian's own dpkg-deb from a tree made here. `cargo deb` does the same, but its current
//! version comes from no registry as a binary and takes minutes to compile, and the one on PyPI does
//! not read this workspace.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::build::{self, Origin, VERSION, empty_folder};
use super::command::output;
use super::error::ReleaseError;
use crate::workspace;

pub(super) const PACKAGE: &str = "registration-standalone";

const SETTINGS: &str = "/etc/registration/standalone.toml";
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// What is packed beside the program: a file of the checkout, and where it goes.
const FILES: [(&str, &str); 6] = [
    ("deploy/debian/standalone.toml", "etc/registration"),
    ("deploy/debian/registration-standalone.service", "usr/lib/systemd/system"),
    ("deploy/debian/copyright", "usr/share/doc/registration-standalone"),
    ("LICENSE-MIT", "usr/share/doc/registration-standalone"),
    ("CHANGELOG.md", "usr/share/doc/registration-standalone"),
    ("docs/operations.md", "usr/share/doc/registration-standalone"),
];

/// Packs the program of `binaries` and its bill of materials. Returns the package in `dist`.
pub(super) fn pack(
    binaries: &Path,
    bill: &Path,
    dist: &Path,
    origin: &Origin,
) -> Result<PathBuf, ReleaseError> {
    let folder = dist.with_file_name("release-deb");
    let tree = folder.join("tree");
    empty_folder(&folder)?;
    build::install(binaries, "standalone", PACKAGE, &tree.join("usr"))?;
    for (source, below) in FILES {
        copy(&workspace::root().join(source), &tree.join(below))?;
    }
    copy(bill, &tree.join("usr/share/doc").join(PACKAGE))?;
    compress(&tree)?;
    let libraries = libraries(&folder, &tree)?;
    write_control(&tree, &libraries)?;
    set_modes(&tree)?;

    let architecture = architecture()?;
    let package = dist.join(format!("{PACKAGE}_{VERSION}-1_{architecture}.deb"));
    let mut pack = Command::new("dpkg-deb");
    // Hardly larger than at the highest level, and five times as fast.
    pack.args(["--root-owner-group", "-Zxz", "-z2", "--build"]).args([&tree, &package]);
    origin.tell(&mut pack);
    output(&mut pack)?;
    Ok(package)
}

fn copy(file: &Path, folder: &Path) -> Result<(), ReleaseError> {
    fs::create_dir_all(folder).map_err(ReleaseError::file(folder))?;
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name)).map(|_| ()).map_err(ReleaseError::file(file))
}

/// As Debian's policy asks of manual pages and changelogs (12.1, 12.7).
fn compress(tree: &Path) -> Result<(), ReleaseError> {
    let documentation = tree.join("usr/share/doc").join(PACKAGE);
    let changelog = documentation.join("changelog");
    fs::rename(documentation.join("CHANGELOG.md"), &changelog)
        .map_err(ReleaseError::file(&changelog))?;
    let pages = tree.join("usr/share/man/man1");
    let entries = fs::read_dir(&pages).map_err(ReleaseError::file(&pages))?;
    let files = entries.flatten().map(|entry| entry.path()).chain([changelog]);
    output(Command::new("gzip").args(["-9", "--no-name"]).args(files)).map(|_| ())
}

/// The packages with the libraries that the program is linked with, in the versions that it needs.
fn libraries(folder: &Path, tree: &Path) -> Result<String, ReleaseError> {
    // Reads this file without using it.
    let debian = folder.join("debian");
    fs::create_dir_all(&debian).map_err(ReleaseError::file(&debian))?;
    let control = debian.join("control");
    fs::write(&control, format!("Source: registration\n\nPackage: {PACKAGE}\nArchitecture: any\n"))
        .map_err(ReleaseError::file(&control))?;
    let mut find = Command::new("dpkg-shlibdeps");
    find.current_dir(folder).arg("-O").arg(tree.join("usr/bin").join(PACKAGE));
    let said = output(&mut find)?;
    match said.trim().strip_prefix("shlibs:Depends=") {
        Some(libraries) => Ok(libraries.to_owned()),
        None => Err(ReleaseError::Unexpected { program: "dpkg-shlibdeps", said }),
    }
}

fn write_control(tree: &Path, libraries: &str) -> Result<(), ReleaseError> {
    let folder = tree.join("DEBIAN");
    fs::create_dir_all(&folder).map_err(ReleaseError::file(&folder))?;
    let sources = workspace::root().join("deploy/debian");
    let template =
        fs::read_to_string(sources.join("control")).map_err(ReleaseError::file(&sources))?;
    let sums = output(
        Command::new("sh")
            .current_dir(tree)
            .args(["-c", "find etc usr -type f | LC_ALL=C sort | xargs -d '\\n' md5sum"]),
    )?;
    let size = output(Command::new("du").args(["--summarize", "--apparent-size"]).arg(tree))?;
    let size = size.split_whitespace().next().unwrap_or_default();
    let control = template
        .replace("@VERSION@", &format!("{VERSION}-1"))
        .replace("@ARCHITECTURE@", &architecture()?)
        .replace("@SIZE@", size)
        .replace("@LIBRARIES@", libraries);
    let conffiles = format!("{SETTINGS}\n");
    for (name, text) in [("control", control), ("conffiles", conffiles), ("md5sums", sums)] {
        fs::write(folder.join(name), text).map_err(ReleaseError::file(&folder))?;
    }
    SCRIPTS.iter().try_for_each(|script| copy(&sources.join(script), &folder))
}

/// Whatever the umask and the checkout: only programs can be run, and root alone reads the settings.
fn set_modes(tree: &Path) -> Result<(), ReleaseError> {
    output(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(tree))?;
    let executable = SCRIPTS.map(|script| tree.join("DEBIAN").join(script));
    for (path, mode) in executable.iter().map(|path| (path.clone(), 0o755)).chain([
        (tree.join("usr/bin").join(PACKAGE), 0o755),
        (tree.join(SETTINGS.trim_start_matches('/')), 0o600),
    ]) {
        fs::set_permissions(&path, Permissions::from_mode(mode))
            .map_err(ReleaseError::file(&path))?;
    }
    Ok(())
}

/// As Debian calls that of this machine.
pub(super) fn architecture() -> Result<String, ReleaseError> {
    let said = output(Command::new("dpkg").arg("--print-architecture"))?;
    Ok(said.trim().to_owned())
}
