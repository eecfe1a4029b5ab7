//! The API over real HTTP, a file per subject. The ports are doubles that a test can break at will;
//! the same behaviour on real stores is shown by the acceptance suite.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod activate;
mod admission;
mod bad_input;
mod code_keys;
mod conceal;
mod conceal_sequences;
mod docs;
mod guesses;
mod health;
mod languages;
mod limits;
mod log;
mod mails;
mod passwords;
mod product;
mod proof_of_work;
mod register;
mod resend_code;
mod routing;
mod shutdown;
mod signup_page;
mod slow_clients;
mod supervision;
mod support;
