//! How many files and sockets the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one. Returns what holds then: `usize::MAX` where there is no
/// limit.
pub fn raise_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    // A system that does not allow it leaves the limit as it was.
    let raised = setrlimit(Resource::Nofile, limit).is_ok();
    let holds = if raised { limit.maximum } else { soft };
    holds.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}
