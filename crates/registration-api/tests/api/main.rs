//! The API over real HTTP, a file per subject. The ports are doubles that a test can break at will; the same
//! behaviour on real stores is shown by the acceptance suite.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod activate;
mod bad_input;
mod conceal;
mod conceal_sequences;
mod docs;
mod guesses;
mod health;
mod limits;
mod log;
mod mails;
mod register;
mod relay;
mod resend_code;
mod routing;
mod slow_clients;
mod support;
