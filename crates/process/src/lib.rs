//! What the main functions of all binaries share: logs and metrics, health, the operator's listener and the
//! way to stop.
//!
//! Knows no use case and no adapter.

pub mod dead_letters;
pub mod health;
pub mod operator;
pub mod shutdown;
pub mod telemetry;

/// Makes rustls with ring the TLS stack of the process. Call it before anything connects.
pub fn install_crypto() {
    // Fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
