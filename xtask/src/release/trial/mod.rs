//! Installs the package, uses it, removes it and purges it, on a systemd that obeys its unit.

mod machine;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use machine::Machine;
use test_servers::POLL;

use super::deb::PACKAGE;
use super::error::{ReleaseError, require};
use crate::process::Interrupt;

/// What `systemd-analyze security` may say of the unit, in tenths: from 0 (safe) to 100.
const EXPOSURE: &str = "15";

const READY_LIMIT: Duration = Duration::from_mins(1);

pub(super) fn try_out(package: &Path, interrupt: &Interrupt) -> Result<(), ReleaseError> {
    let machine = Machine::boot(package, interrupt)?;
    // What it depends on is not the question here, and Debian's mirrors need not be reached.
    machine.run("dpkg", &["--force-depends", "--install", "/package.deb"])?;
    wait_until_ready(&machine, interrupt)?;
    check_unit(&machine)?;
    check_process(&machine)?;
    check_manual(&machine)?;
    back_up_and_restart(&machine, interrupt)?;
    check_removal(&machine)
}

/// Asks as bash can, so that the machine needs no client.
fn ask(machine: &Machine, request: &str) -> Result<String, ReleaseError> {
    let script = "exec 3<>/dev/tcp/127.0.0.1/8000; printf %b \"$0\" >&3; cat <&3";
    machine.run("bash", &["-euc", script, request])
}

fn wait_until_ready(machine: &Machine, interrupt: &Interrupt) -> Result<(), ReleaseError> {
    const REQUEST: &str =
        "GET /health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n";
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        let problem = match ask(machine, REQUEST) {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => return Ok(()),
            Ok(answer) => answer,
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            let status = machine.sh(&format!("systemctl --no-pager status {PACKAGE} || true"))?;
            return Err(ReleaseError::Refuted(format!("it is not ready: {problem}\n{status}")));
        }
        interrupt.check()?;
        thread::sleep(4 * POLL);
    }
}

/// systemd finds nothing wrong with the unit, starts it at the next boot, and calls it confined.
fn check_unit(machine: &Machine) -> Result<(), ReleaseError> {
    let unit = format!("{PACKAGE}.service");
    machine.run("systemd-analyze", &["verify", &format!("/usr/lib/systemd/system/{unit}")])?;
    machine.run("systemctl", &["is-enabled", &unit])?;
    let security = ["security", "--no-pager", &format!("--threshold={EXPOSURE}"), &unit];
    let said = machine.run("systemd-analyze", &security)?;
    let overall = said.lines().find(|line| line.contains("Overall exposure"));
    eprintln!("xtask: systemd-analyze security: {}", overall.unwrap_or(&said).trim());
    Ok(())
}

/// The kernel says that the process is nobody who could do more.
fn check_process(machine: &Machine) -> Result<(), ReleaseError> {
    let show = format!("systemctl show --property=MainPID --value {PACKAGE}");
    let status = machine.sh(&format!("cat /proc/$({show})/status"))?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().next().unwrap_or("0").to_owned()
    };
    for (name, forbidden) in [("Uid", "0"), ("Gid", "0"), ("NoNewPrivs", "0"), ("Seccomp", "0")] {
        require(value(name) != forbidden, || format!("its {name} is {forbidden}"))?;
    }
    for name in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let value = value(name);
        require(u64::from_str_radix(&value, 16) == Ok(0), || format!("its {name} is {value}"))?;
    }
    let modes = "stat --format='%U %a' /etc/registration/standalone.toml /var/lib/private/registration/code.key";
    let modes = machine.sh(modes)?;
    let modes: Vec<_> = modes.lines().collect();
    require(modes[0] == "root 600" && modes[1].ends_with(" 600"), || format!("modes: {modes:?}"))
}

/// The shell takes the completion, and man every page, without a complaint.
fn check_manual(machine: &Machine) -> Result<(), ReleaseError> {
    machine.run("bash", &["-n", &format!("/usr/share/bash-completion/completions/{PACKAGE}")])?;
    let complained = machine.sh(&format!(
        "for page in /usr/share/man/man1/{PACKAGE}*.1.gz; do
            man --warnings --local-file \"$page\" 2>&1 >/dev/null
        done"
    ))?;
    require(complained.is_empty(), || format!("man complains: {complained}"))?;
    let version = machine.run(PACKAGE, &["--version"])?;
    require(version.contains("(commit "), || format!("--version says {version}"))
}

/// Root copies the database of the service, which goes on with it.
fn back_up_and_restart(machine: &Machine, interrupt: &Interrupt) -> Result<(), ReleaseError> {
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let request = format!(
        "POST /api/v1/users/register HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\
         Content-Type: application/json\\r\\nContent-Length: {}\\r\\n\\r\\n{body}",
        body.len()
    );
    let register = |expected: &str| {
        let answer = ask(machine, &request)?;
        require(answer.starts_with(&format!("HTTP/1.1 {expected} ")), || {
            format!("a registration is answered {answer}")
        })
    };
    register("201")?;
    let settings = ["--config", "/etc/registration/standalone.toml"];
    machine.run(PACKAGE, &[&settings[..], &["backup", "/root/backup.sqlite3"]].concat())?;
    machine.sh("test $(stat --format=%a /root/backup.sqlite3) = 600")?;
    machine.run("systemctl", &["restart", PACKAGE])?;
    wait_until_ready(machine, interrupt)?;
    register("409")
}

/// Removed, it is gone but for settings and data; purged, but for data.
fn check_removal(machine: &Machine) -> Result<(), ReleaseError> {
    machine.run("dpkg", &["--remove", PACKAGE])?;
    let is_active = machine.sh(&format!("systemctl is-active {PACKAGE} || true"))?;
    require(is_active.trim() != "active", || "it runs after it was removed".to_owned())?;
    machine.sh("test -f /etc/registration/standalone.toml")?;
    machine.sh(&format!("test ! -e /usr/bin/{PACKAGE}"))?;
    machine.run("dpkg", &["--purge", PACKAGE])?;
    let left = machine.sh(
        "find /etc /usr /run /var/lib -path /var/lib/private -prune -o -path /etc/registration -print \
            -o -name '*registration-standalone*' -print",
    )?;
    require(left.is_empty(), || format!("purged, it leaves {left}"))?;
    machine.sh("test -s /var/lib/private/registration/registration.sqlite3")?;
    Ok(())
}
