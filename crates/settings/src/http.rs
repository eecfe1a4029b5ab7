//! `[http]`: the public listener.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use crate::{CommaList, duration};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    pub trusted_proxies: CommaList<String>,
    pub cors_origins: CommaList<String>,
    pub public_url: String,
    pub max_connections: NonZeroUsize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub header_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub body_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize")]
    pub keep_alive: Duration,
    pub workers: usize,
    #[serde(deserialize_with = "duration::deserialize")]
    pub shutdown_timeout: Duration,
    #[serde(deserialize_with = "duration::deserialize_or_zero")]
    pub shutdown_delay: Duration,
}
