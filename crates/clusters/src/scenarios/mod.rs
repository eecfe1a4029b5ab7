//! What becomes of the servers, a file per scenario.

pub(crate) mod pgbouncer;
