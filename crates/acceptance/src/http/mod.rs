//! HTTP, without TLS.

mod client;
mod raw_connection;
mod reply;

pub use client::{Client, Secrets};
pub use raw_connection::RawConnection;
pub use reply::Reply;

use crate::wait::PATIENCE;

/// A client. A workspace build gives reqwest TLS without a provider, which it wants to know even for HTTP.
pub fn http_client() -> reqwest::Client {
    // Fails only where it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}
