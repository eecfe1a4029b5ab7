//! A process and its descendants. A group is not enough: each process of PostgreSQL leads one of its
//! own.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The process and everything below it, parents before their children.
pub(crate) fn members(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in all() {
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut members = vec![root];
    let mut looked_at = 0;
    while let Some(pid) = members.get(looked_at) {
        let found = children.remove(pid).unwrap_or_default();
        members.extend(found);
        looked_at += 1;
    }
    members
}

/// Signals them all, and those that appear meanwhile.
pub(super) fn signal(root: u32, signal: Signal) {
    let mut signalled = Vec::new();
    loop {
        let new: Vec<_> =
            members(root).into_iter().filter(|pid| !signalled.contains(pid)).collect();
        if new.is_empty() {
            return;
        }
        for &pid in &new {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // An error means that it has ended.
                let _ = kill_process(pid, signal);
            }
        }
        signalled.extend(new);
    }
}

/// Whether it exists and has not ended.
pub(super) fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// Whether it stands still.
pub(super) fn is_stopped(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == 'T')
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|(_, parent)| parent)
}

/// Its state and its parent.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}
