//! The programs that tests need beside Rust, and the Debian or Ubuntu packages that bring them.
//!
//! Nothing is skipped for want of a program: what is missing is installed where that is allowed,
//! and otherwise named together with the command that installs it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use test_servers::WallClock;

use crate::process::{self, Interrupt, ProcessError};

/// A program and the package that brings it.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    /// As apt names it.
    pub(crate) name: &'static str,
    /// Where its program is, once it is installed.
    pub(crate) find: fn() -> Option<PathBuf>,
}

/// Why a program is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error(
        "the tests need {names}, which is not installed, and only root (or passwordless sudo) may install \
         it. Install it with\n\n    sudo apt-get update && sudo apt-get install {names}\n"
    )]
    NotAllowed { names: String },
    #[error(
        "the tests need {names}, which is not installed, and this system has no apt-get. Install the same \
         programs its own way, or name running servers by TEST_POSTGRES_URL, TEST_REDIS_URL and TEST_AMQP_URL"
    )]
    NoApt { names: String },
    #[error("{names} still cannot be found after its installation")]
    NotFound { names: String },
    #[error("cannot keep the installed services from starting: {0}")]
    Policy(#[from] std::io::Error),
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// What the tests of the pages need: a browser with its driver, and what runs a client written in
/// JavaScript.
pub(crate) fn for_the_pages() -> Vec<Package> {
    if is_ubuntu() && !missing(&BROWSER).is_empty() {
        eprintln!("xtask: {UBUNTU_NOTE}");
        return NODE.to_vec();
    }
    [BROWSER, NODE].concat()
}

/// What the tests of the stores start themselves, beside the servers of the whole run.
pub(crate) const POOLER: Package = Package {
    name: "pgbouncer",
    find: || process::find_program("pgbouncer", &["/usr/sbin".into()]),
};

/// What shows processes another time.
pub(crate) const CLOCK: Package = Package { name: WallClock::PACKAGE, find: WallClock::library };

/// What the tests of the alerts and the dashboard ask: Prometheus with its tool for rules.
pub(crate) const PROMETHEUS: Package =
    Package { name: "prometheus", find: || any_of(&["prometheus"]).and(any_of(&["promtool"])) };

const BROWSER: [Package; 2] = [
    Package {
        name: "chromium",
        find: || any_of(&["chromium", "chromium-browser", "google-chrome"]),
    },
    Package {
        name: "chromium-driver",
        find: || any_of(&["chromedriver", "chromium.chromedriver"]),
    },
];

/// Runs what is written in JavaScript.
pub(crate) const NODE: [Package; 2] = [
    Package { name: "nodejs", find: || any_of(&["node"]) },
    Package { name: "npm", find: || any_of(&["npm"]) },
];

const UBUNTU_NOTE: &str = "the tests of the pages need chromium and chromedriver, which Ubuntu has as a snap \
    only, not as a package. Install it with `sudo snap install chromium`, or put Google Chrome and its \
    chromedriver on the PATH; without them these tests will fail";

fn any_of(programs: &[&str]) -> Option<PathBuf> {
    programs.iter().find_map(|name| process::find_program(name, &[]))
}

fn is_ubuntu() -> bool {
    fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=ubuntu"))
}

/// Makes sure that all of `needed` are there.
pub(crate) fn ensure(needed: &[Package], interrupt: &Interrupt) -> Result<(), PackageError> {
    let missing = missing(needed);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if process::find_program("apt-get", &[]).is_none() {
        return Err(PackageError::NoApt { names });
    }
    let Some(administrator) = Administrator::find() else {
        return Err(PackageError::NotAllowed { names });
    };
    eprintln!("xtask: installing {names}");
    administrator.install(&missing, interrupt)?;
    match self::missing(needed) {
        still if still.is_empty() => Ok(()),
        still => Err(PackageError::NotFound { names: still.join(" ") }),
    }
}

fn missing(needed: &[Package]) -> Vec<&'static str> {
    needed.iter().filter(|package| (package.find)().is_none()).map(|package| package.name).collect()
}

/// How a command is run with the right to install packages.
#[derive(Clone, Copy)]
enum Administrator {
    Ourselves,
    Sudo,
}

impl Administrator {
    fn find() -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::Ourselves);
        }
        let sudo = Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        sudo.is_ok_and(|status| status.success()).then_some(Self::Sudo)
    }

    fn command(self, program: &str) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }

    fn install(self, names: &[&str], interrupt: &Interrupt) -> Result<(), PackageError> {
        let _services_stay_off = StartPolicy::place(self, interrupt)?;
        // A mirror that is down for one of several sources need not matter: the installation
        // decides.
        process::run(self.command("apt-get").args(["-qq", "update"]), interrupt)?;
        process::succeed(
            self.command("env")
                .args([
                    "DEBIAN_FRONTEND=noninteractive",
                    "apt-get",
                    "-qq",
                    "-y",
                    "--no-install-recommends",
                ])
                .args(["-o", "DPkg::Lock::Timeout=300", "install"])
                .args(names),
            interrupt,
        )?;
        Ok(())
    }
}

/// A packages' service is not started by its installation while this lives: `policy-rc.d` forbids
/// it, the file that Debian's `invoke-rc.d` asks. One that is there already is somebody's decision
/// and stays.
struct StartPolicy {
    administrator: Administrator,
}

const POLICY_FILE: &str = "/usr/sbin/policy-rc.d";
const POLICY: &str = "#!/bin/sh\n# Placed by cargo xtask while it installs packages.\nexit 101\n";

impl StartPolicy {
    fn place(
        administrator: Administrator,
        interrupt: &Interrupt,
    ) -> Result<Option<Self>, PackageError> {
        let ours = fs::read_to_string(POLICY_FILE).is_ok_and(|text| text == POLICY);
        if Path::new(POLICY_FILE).exists() && !ours {
            return Ok(None);
        }
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(POLICY.as_bytes())?;
        process::succeed(
            administrator.command("install").arg("-m755").arg(file.path()).arg(POLICY_FILE),
            interrupt,
        )?;
        Ok(Some(Self { administrator }))
    }
}

impl Drop for StartPolicy {
    fn drop(&mut self) {
        let removed = self.administrator.command("rm").args(["-f", POLICY_FILE]).status();
        if !removed.is_ok_and(|status| status.success()) {
            eprintln!(
                "xtask: could not remove {POLICY_FILE}; remove it, or services stay off when installed"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: Package = Package { name: "there", find: || Some(PathBuf::from("/bin/there")) };
    const ABSENT: Package = Package { name: "absent", find: || None };

    #[test]
    fn only_what_is_missing_is_named() {
        assert_eq!(missing(&[THERE, ABSENT]), ["absent"]);
    }

    #[test]
    fn what_is_missing_comes_with_the_command_that_installs_it() {
        let sentence =
            PackageError::NotAllowed { names: "postgresql redis-server".into() }.to_string();
        assert!(sentence.contains("sudo apt-get install postgresql redis-server"), "{sentence}");
    }
}
