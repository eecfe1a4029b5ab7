//! The cause of a port's error.

/// The underlying error: for the log, never for the client.
pub type Source = Box<dyn std::error::Error + Send + Sync>;
