//! What the processes in the containers may do, as the kernel tells it.

use crate::compose::error::{ComposeError, require};
use crate::compose::project::SERVICES;
use crate::compose::trial::Trial;

pub(super) fn check(trial: &Trial) -> Result<(), ComposeError> {
    for service in SERVICES {
        let pid = trial.project.container(service)?.pid;
        let docker = trial.project.docker;
        let status = docker.read_proc(pid, "status", trial.interrupt)?;
        let mounts = docker.read_proc(pid, "mountinfo", trial.interrupt)?;
        let problems = [problems_of_status(&status), problems_of_mounts(&mounts)].concat();
        require(problems.is_empty(), || format!("{service} {}", problems.join(" and ")))?;
    }
    Ok(())
}

fn problems_of_status(status: &str) -> Vec<&'static str> {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim()
    };
    let has_none = |name| u64::from_str_radix(value(name), 16) == Ok(0);
    let runs_as = |id: &str| value("Uid").split_whitespace().any(|uid| uid == id);
    let checks = [
        (value("Uid").is_empty() || runs_as("0"), "runs as root"),
        (!has_none("CapEff") || !has_none("CapPrm"), "has capabilities"),
        (!has_none("CapBnd"), "can gain capabilities"),
        (value("NoNewPrivs") != "1", "can gain privileges"),
    ];
    checks.into_iter().filter_map(|(is_so, problem)| is_so.then_some(problem)).collect()
}

/// The fifth field of a line is the mount point, the sixth its options (proc(5)).
fn problems_of_mounts(mounts: &str) -> Vec<&'static str> {
    let root = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(4);
        (fields.next() == Some("/")).then(|| fields.next()).flatten()
    });
    let is_read_only = root.is_some_and(|options| options.split(',').any(|option| option == "ro"));
    if is_read_only { Vec::new() } else { vec!["can write to its image"] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFINED: &str =
        "Uid:\t999\t999\t999\t999\nCapPrm:\t0000\nCapEff:\t0000\nCapBnd:\t0000\nNoNewPrivs:\t1\n";

    #[test]
    fn a_confined_process_has_no_problems() {
        assert!(problems_of_status(CONFINED).is_empty());
        assert!(problems_of_mounts("1 2 0:3 / / ro,relatime - overlay overlay rw\n").is_empty());
    }

    #[test]
    fn each_freedom_is_a_problem() {
        let problems = |from, to| problems_of_status(&CONFINED.replace(from, to));
        assert_eq!(problems("999\t999\t999", "999\t0\t999"), ["runs as root"]);
        assert_eq!(problems("CapEff:\t0000", "CapEff:\t0001"), ["has capabilities"]);
        assert_eq!(problems("CapBnd:\t0000", "CapBnd:\t0001"), ["can gain capabilities"]);
        assert_eq!(problems("Privs:\t1", "Privs:\t0"), ["can gain privileges"]);
        assert_eq!(problems_of_status("").len(), 4);
        assert_eq!(
            problems_of_mounts("1 2 0:3 / / rw,relatime - overlay overlay ro\n"),
            ["can write to its image"]
        );
    }
}
