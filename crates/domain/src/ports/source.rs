//! The cause of a port's error.

/// What went wrong underneath: for the log, never for the client.
pub type Source = Box<dyn std::error::Error + Send + Sync>;
