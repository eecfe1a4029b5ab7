//! Where a server listens, as other servers tell it.

use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo};

/// A host, which is a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads `host:port`; a server that names no host means its own, which is `own_host`.
    pub(super) fn parse(text: &str, own_host: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { own_host } else { host };
        Some(Self { host: host.to_owned(), port: port.parse().ok()? })
    }

    /// Where this server listens.
    pub(super) fn of(server: &ConnectionInfo) -> Option<Self> {
        match server.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(Self { host: host.clone(), port: *port })
            }
            _ => None,
        }
    }

    /// The server at this address, to be spoken to like `other`.
    pub(super) fn like(&self, other: &ConnectionInfo) -> ConnectionInfo {
        let Self { host, port } = self.clone();
        let address = match other.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        other.clone().set_addr(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo;

    use super::*;

    #[test]
    fn an_address_without_a_host_is_one_of_the_server_that_tells_it() {
        for (text, told) in [
            ("10.0.0.1:7000", "10.0.0.1:7000"),
            (":7000", "node-1:7000"),
            ("2001:db8::1:7000", "2001:db8::1:7000"),
        ] {
            assert_eq!(Address::parse(text, "node-1").unwrap().to_string(), told);
        }
        assert_eq!(Address::parse("nothing", "node-1"), None);
        assert_eq!(Address::parse("host:port", "node-1"), None);
    }

    #[test]
    fn a_server_is_spoken_to_like_the_one_that_was_configured() {
        let seed = "rediss://me:secret@seed:1/".into_connection_info().unwrap();
        let node = Address { host: "node".into(), port: 2 }.like(&seed);
        assert!(
            matches!(node.addr(), ConnectionAddr::TcpTls { host, port: 2, .. } if host == "node")
        );
        assert_eq!(node.redis_settings().password(), Some("secret"));
    }
}
