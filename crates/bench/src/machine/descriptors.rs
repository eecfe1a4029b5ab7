//! A thousand connections are more than a process may have open by default.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::error::BenchError;

/// Lets this process have as many files open as the system allows it at all.
pub fn raise_limit() -> Result<(), BenchError> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)
        .map_err(|error| BenchError::io("raise the limit on open files")(error.into()))
}
