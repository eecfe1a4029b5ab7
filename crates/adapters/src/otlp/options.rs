//! Where spans go, and which.

use secrecy::SecretString;

/// Where spans go, and which.
#[derive(Debug, Clone)]
pub struct OtlpOptions {
    /// The base URL of the collector: `/v1/traces` is appended.
    pub endpoint: String,
    /// Headers of each request, `name=value`, which may be credentials.
    pub headers: Vec<SecretString>,
    /// Which share of the traces that begin here is recorded, from 0 to 1. One that began elsewhere
    /// is recorded if it is there.
    pub sample_ratio: f64,
    /// What the process is called.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Why spans cannot be sent as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum OtlpOptionsError {
    /// Not a URL, or of another scheme.
    #[error("it is not a URL like http://collector:4318")]
    Url,
    /// The URL has a user or a password, which logs of proxies may show.
    #[error("it must not contain a user or a password: set telemetry.otlp_headers instead")]
    Credentials,
    /// The URL has a query or a fragment, to which no path can be appended.
    #[error("it must end before a query (?) or a fragment (#)")]
    Query,
    /// A header is not one of HTTP. It is not repeated: it may be a secret.
    #[error("header {0} is not of the form name=value")]
    Header(usize),
    /// TLS could not be set up.
    #[error("the client cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}
