//! in_process.
