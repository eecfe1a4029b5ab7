//! `[product]`: the listener for the product behind.

use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// Where the product asks, and the secret with which it does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductSettings {
    /// Where the listener is.
    pub listen: ProductListen,
    token: SecretString,
    #[serde(rename = "token_file")]
    _token_file: String,
}

/// Where the product's listener is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductListen {
    /// Where the binary has it by default.
    Default,
    /// Nowhere.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl ProductListen {
    /// The address, with that of the binary by default.
    pub fn address(self, default: Option<SocketAddr>) -> Option<SocketAddr> {
        match self {
            Self::Default => default,
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl<'de> Deserialize<'de> for ProductListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" => Ok(Self::Default),
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::At).map_err(|_| {
                D::Error::custom(format!(
                    "{address:?} is not an address like 127.0.0.1:8090, nor \"off\""
                ))
            }),
        }
    }
}

impl ProductSettings {
    /// Whether a token is set at all.
    pub fn has_token(&self) -> bool {
        !self.token.expose_secret().is_empty()
    }

    /// Takes another token: the one that the standalone binary makes.
    pub fn set_token(&mut self, token: &str) {
        self.token = SecretString::from(token);
    }

    /// The token as it is set.
    pub fn token(&self) -> &SecretString {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use crate::Sources;

    #[test]
    fn the_listener_is_somewhere_nowhere_or_left_to_the_binary() {
        let listen = |text: &str| {
            let settings = Sources::default().with("product.listen", &text).load();
            settings.map(|settings| settings.product.listen)
        };
        let default = "127.0.0.1:8090".parse().unwrap();
        assert_eq!(listen("").unwrap().address(None), None);
        assert_eq!(listen("").unwrap().address(Some(default)), Some(default));
        assert_eq!(listen("off").unwrap().address(Some(default)), None);
        let chosen = "127.0.0.1:1".parse().unwrap();
        assert_eq!(listen("127.0.0.1:1").unwrap().address(Some(default)), Some(chosen));
        let message = listen("8090").unwrap_err().to_string();
        assert!(message.contains("product.listen") && !message.contains('\n'), "{message}");
    }
}
