//! How a fault shows.

/// What showed the effect of a fault; an error says what was seen instead.
pub type Effect = Result<String, String>;
