//! Whether the operating system allows the threads that a process is about to start.
//!
//! Runtimes find out too late: they panic, or come with fewer threads and never do what waits for one
//! that is missing.

use std::io;
use std::sync::RwLock;
use std::thread;

/// Starts `count` threads that wait for each other to be there and end: an error if they cannot all
/// be there at once.
pub fn try_threads(count: usize) -> io::Result<()> {
    let gate = RwLock::new(());
    let closed = gate.write();
    thread::scope(|scope| {
        let started = (0..count).try_for_each(|_| {
            let waiting = || drop(gate.read());
            thread::Builder::new().spawn_scoped(scope, waiting).map(|_| ())
        });
        drop(closed);
        started.map_err(|error| {
            let advice = "raise the limit on processes (pids of the container, `ulimit -u`)";
            io::Error::new(
                error.kind(),
                format!("the system refuses {count} threads ({error}); {advice}"),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_are_allowed_are_no_error() {
        try_threads(8).unwrap();
    }
}
