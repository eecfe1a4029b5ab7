//! `[metrics]`: the operator's listener.

use std::net::SocketAddr;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// Where the operator's listener is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSettings {
    /// `None` turns it off.
    #[serde(deserialize_with = "address_or_off")]
    pub listen: Option<SocketAddr>,
}

fn address_or_off<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "" | "off" => Ok(None),
        address => address.parse().map(Some).map_err(|_| {
            D::Error::custom(format!(
                "{address:?} is not an address like 127.0.0.1:9464, nor \"off\""
            ))
        }),
    }
}
