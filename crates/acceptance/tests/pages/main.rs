//! The pages as a person sees them, in headless Chromium, and the inbox as Mailpit's clients
//! see it.
//!
//! Needs chromium, chromium-driver, node and npm, which `cargo xtask test` installs; without them
//! the tests fail and say so. Screenshots of every step are left in `target/artefacts`, to be
//! looked at.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod api_description;
mod event_description;
mod examples;
mod inbox_page;
mod mailpit_client;
mod mails;
mod npm_package;
mod path_prefix;
mod pictures;
mod sign_up;
mod signup_page;
