//! What every binary of the system shares: settings, logs and metrics, health, identifiers and the
//! way to stop.
//!
//! Knows no adapter and no use case.

pub mod health;
pub mod identifiers;
pub mod operator;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
