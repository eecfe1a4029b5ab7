//! Light or dark.

/// Whether the person prefers light or dark pages; with the numbers that Chromium uses.
#[derive(Debug, Clone, Copy)]
pub enum Theme {
    /// Dark pages.
    Dark = 0,
    /// Light pages.
    Light = 1,
}
