//! HTTP, as the API's clients speak it and as they should not.

mod client;
mod product;
mod raw_connection;
mod reply;

use std::time::Duration;

pub use client::{Client, Secrets};
pub use product::Product;
pub use raw_connection::RawConnection;
pub use reply::Reply;

/// How long a request may take. Longer than the system under test waits for anything.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);

/// Shorter than any server keeps an idle connection: it may close one while it is taken again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// A plain HTTP client.
pub fn http_client() -> reqwest::Client {
    // A build of the whole workspace gives reqwest TLS without a provider, and it wants one even
    // for HTTP.
    test_support::install_crypto_provider();
    let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT);
    client.pool_idle_timeout(IDLE_TIMEOUT).build().unwrap()
}
