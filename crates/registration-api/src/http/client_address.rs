//! Which client a request comes from.
//!
//! A forwarding header is a claim that anybody can make, so it counts only as far as proxies of our own vouch
//! for it (OWASP ASVS 4.1.3, 15.3.4). Only `X-Forwarded-For` is read; `Forwarded` is ignored.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

/// A block of addresses in CIDR notation (RFC 4632), such as `10.0.0.0/8` or `2001:db8::/32`; an address without
/// a length is a block of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_length: u8,
}

/// Not a block of addresses.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a network such as 10.0.0.0/8 or 2001:db8::/32")]
pub struct NetworkError(String);

impl Network {
    /// Whether the address is in the block. An IPv4 address in IPv6 clothes counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix_length);
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix_length);
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let refused = || NetworkError(text.to_owned());
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length.parse().map_err(|_| refused())?)),
            None => (text.trim(), None),
        };
        let address = IpAddr::from_str(address).map_err(|_| refused())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_length = length.unwrap_or(longest);
        if prefix_length > longest {
            return Err(refused());
        }
        Ok(Self { address, prefix_length })
    }
}

/// The proxies in front of this service. By default there are none, and no header is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Believes what these proxies say about where a request comes from.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    pub(crate) fn client_of(&self, request: &HttpRequest) -> IpAddr {
        // Only a Unix socket has no peer address, and the server listens on none.
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        self.client(peer.to_canonical(), request.headers())
    }

    /// Walks `X-Forwarded-For` from the right, where our own proxies write, until an address is none of theirs.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let values: Vec<&str> =
            headers.get_all("x-forwarded-for").map(|value| value.to_str().unwrap_or_default()).collect();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            if !self.0.iter().any(|network| network.contains(client)) {
                break;
            }
            match parse_hop(hop.trim()) {
                Some(address) => client = address.to_canonical(),
                // Whatever stands left of it was not vouched for.
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it: plain, with a port, or in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(trusted: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = TrustedProxies(trusted.iter().map(|text| text.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(value));
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn asvs_4_1_3_a_stranger_cannot_choose_an_address() {
        assert_eq!(client(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn asvs_15_3_4_a_chain_of_proxies_is_walked() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(client(&trusted, "10.0.0.1", &["203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(client(&trusted, "2001:db8::1", &["203.0.113.9:4711", "[2001:db8::2]:80"]), "203.0.113.9");
        assert_eq!(client(&trusted, "10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client(&trusted, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_walk_ends_where_nothing_can_be_read() {
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, ,10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn networks_are_blocks_of_addresses() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
        assert!(contains("10.1.2.3/8", "10.255.0.1") && !contains("10.1.2.3/8", "11.0.0.1"));
        assert!(contains("192.0.2.1", "192.0.2.1") && !contains("192.0.2.1", "192.0.2.2"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1") && !contains("::/0", "10.0.0.1"));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "example.com"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
