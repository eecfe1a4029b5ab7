//! The API over real HTTP, a file per subject. The ports are doubles that a test can break at will; the same
//! behaviour on real stores is shown by the acceptance suite.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod activate;
mod bad_input;
mod conceal;
mod docs;
mod health;
mod limits;
mod log;
mod passwords;
mod register;
mod resend_code;
mod routing;
mod shutdown;
mod slow_clients;
mod supervision;
mod support;
