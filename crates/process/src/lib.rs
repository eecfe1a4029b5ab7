//! What every binary of the system shares: settings, logs and metrics, health, identifiers and the
//! way to stop.
//!
//! Knows no use case, and of the adapters only how the settings become their options (`connections`).

#[cfg(feature = "adapters")]
pub mod connections;
pub mod dead_letters;
pub mod error_chain;
pub mod health;
pub mod identifiers;
pub mod operator;
pub mod settings;
pub mod shutdown;
pub mod telemetry;

/// Makes rustls with ring the TLS stack of the process. Call it before anything connects.
pub fn install_crypto() {
    // Fails only where a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
