//! `[standalone]`: the binary with everything embedded.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::CommaList;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandaloneSettings {
    pub data_dir: PathBuf,
    pub inbox: bool,
    pub inbox_listen: SocketAddr,
    pub inbox_smtp_listen: SocketAddr,
    pub inbox_hosts: CommaList<String>,
}
