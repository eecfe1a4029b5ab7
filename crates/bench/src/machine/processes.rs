//! The processor time of processes and of threads.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::stat::Stat;

/// `USER_HZ`: the same on every architecture that the services are built for.
const TICKS_PER_SECOND: u64 = 100;

/// The processor time of a process and of all that it has started: PostgreSQL has a process for each
/// connection. What a child used before it ended is counted with its parent.
pub fn of_tree(root: u32) -> Duration {
    let all: Vec<(u32, Stat)> = stats(Path::new("/proc")).collect();
    to_time(ticks_of_tree(root, &all))
}

/// The processor time of those threads of a process whose name begins with `prefix`.
pub fn of_threads(process: u32, prefix: &str) -> Duration {
    let threads = format!("/proc/{process}/task");
    let named = stats(Path::new(&threads)).filter(|(_, stat)| stat.name.starts_with(prefix));
    to_time(named.map(|(_, stat)| stat.own).sum())
}

/// The processor time of the thread that asks.
pub fn of_this_thread() -> Duration {
    let line = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    to_time(Stat::parse(&line).map_or(0, |stat| stat.own))
}

fn ticks_of_tree(root: u32, all: &[(u32, Stat)]) -> u64 {
    let own = all.iter().filter(|(id, _)| *id == root);
    let own: u64 = own.map(|(_, stat)| stat.own + stat.ended_children).sum();
    let children = all.iter().filter(|(id, stat)| stat.parent == root && *id != root);
    own + children.map(|(id, _)| ticks_of_tree(*id, all)).sum::<u64>()
}

/// Those that end while they are read are left out.
fn stats(folder: &Path) -> impl Iterator<Item = (u32, Stat)> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read_to_string(entry.path().join("stat")).ok()?;
        Some((id, Stat::parse(&line)?))
    })
}

fn to_time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn stat(parent: u32, own: u64, ended_children: u64) -> Stat {
        Stat { name: String::new(), parent, own, ended_children }
    }

    #[test]
    fn a_tree_has_all_descendants_and_nobody_else() {
        let all = [
            (1, stat(0, 1_000, 0)),
            (10, stat(1, 100, 10)),
            (11, stat(10, 20, 0)),
            (12, stat(11, 3, 1)),
            (20, stat(1, 5_000, 0)),
        ];
        assert_eq!(ticks_of_tree(10, &all), 134);
        assert_eq!(ticks_of_tree(99, &all), 0);
    }

    #[test]
    fn a_busy_thread_is_told_by_its_name() {
        let busy = std::thread::Builder::new().name("busy-thread".to_owned());
        let spin = || {
            let process = std::process::id();
            let deadline = Instant::now() + Duration::from_secs(30);
            while of_threads(process, "busy-") < Duration::from_millis(50) {
                assert!(Instant::now() < deadline, "no time is counted");
            }
            (of_threads(process, "busy-"), of_threads(process, "nobody"), of_tree(process))
        };
        let (busy, nobody, whole) = busy.spawn(spin).unwrap().join().unwrap();
        assert_eq!(nobody, Duration::ZERO);
        assert!(whole >= busy, "{whole:?} of the process, {busy:?} of its thread");
    }
}
