//! What the tests of several crates need and no product code: a network and a mail server that fail
//! on request, waiting, free ports, unique names, keys and certificates.
//!
//! It depends on no crate of the product, so that every crate can test with it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends at the first surprise"
)]

mod certificates;
mod keys;
mod listener;
mod panicking_log;
mod port;
mod proxy;
mod run_again;
pub mod smtp_server;
mod unique;
mod wait;

pub use certificates::{Authority, Identity, install_crypto_provider};
pub use keys::CODE_KEY;
pub use listener::Listener;
pub use panicking_log::PanickingLog;
pub use port::free_port;
pub use proxy::{Passed, Proxy};
pub use run_again::{run_again, run_client};
pub use unique::{unique_id, unique_name};
pub use wait::{WAIT_TIMEOUT, eventually, eventually_within, soon, soon_within};
