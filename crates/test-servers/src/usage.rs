//! What a program takes of the machine, as the kernel counts it.

use std::fs;
use std::path::PathBuf;

use crate::process::members;

/// What a process and its descendants hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many they are.
    pub processes: usize,
    /// Their threads.
    pub threads: usize,
    /// Their open files and connections.
    pub descriptors: usize,
    /// Their memory in bytes; what several share counts once.
    pub memory: u64,
}

impl Usage {
    /// Counts it for a process that this user may look into; one that has ended holds nothing.
    pub fn of(pid: u32) -> Self {
        members(pid).into_iter().map(one).fold(Self::default(), |sum, one| Self {
            processes: sum.processes + one.processes,
            threads: sum.threads + one.threads,
            descriptors: sum.descriptors + one.descriptors,
            memory: sum.memory + one.memory,
        })
    }
}

fn one(pid: u32) -> Usage {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let count = |name: &str| fs::read_dir(folder.join(name)).map_or(0, Iterator::count);
    let rollup = fs::read_to_string(folder.join("smaps_rollup")).unwrap_or_default();
    let threads = count("task");
    Usage {
        processes: usize::from(threads > 0),
        threads,
        descriptors: count("fd"),
        memory: proportional_memory(&rollup),
    }
}

/// The line `Pss:      1234 kB` in bytes: each page divided by the number of its users.
fn proportional_memory(rollup: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_threads_descriptors_and_memory() {
        let usage = || Usage::of(std::process::id());
        let before = usage();
        assert!(before.processes >= 1 && before.threads >= 2 && before.memory > 100_000);
        // More than what other tests of this process may open or close meanwhile.
        let files: Vec<_> = (0..200).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!(usage().descriptors > before.descriptors + 100);
        drop(files);
        assert!(usage().descriptors < before.descriptors + 100);
    }

    #[test]
    fn who_has_ended_holds_nothing() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(Usage::of(child.id()), Usage::default());
    }
}
