//! How many threads a part of a process gets that is not told a number.

use std::num::NonZero;

/// More would not serve requests faster, but use up the processes that a container may have.
const MAX_THREADS: usize = 32;

/// One thread per core that this process may use: a control group's quota of processor time and the
/// processors that it may run on count, and there are never too many.
pub fn default_threads() -> usize {
    threads_for(std::thread::available_parallelism().map_or(1, NonZero::get))
}

fn threads_for(cores: usize) -> usize {
    cores.min(MAX_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_many_cores_does_not_get_a_thread_for_each() {
        assert_eq!(threads_for(2), 2);
        assert_eq!(threads_for(128), 32);
    }
}
