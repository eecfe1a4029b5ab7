//! The address of the client that a request comes from.
//!
//! Anybody can send a forwarding header, so it counts only as far as our own proxies vouch for it
//! (OWASP ASVS 4.1.3, 15.3.4). Only `X-Forwarded-For` is read; `Forwarded` is ignored. The same
//! holds for the trace that a request says it belongs to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// Reads a block of addresses in CIDR notation (RFC 4632), such as `10.0.0.0/8` or `2001:db8::/32`;
/// an address without a length is a block of one.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse().map(IpAddr::into).ok())
}

/// The proxies in front of this service. By default there are none, and no header is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts the forwarding headers that these proxies send.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(crate) fn find_client(&self, request: &HttpRequest) -> IpAddr {
        self.client(peer_address(request), request.headers())
    }

    /// Whether one of them has sent this request.
    pub(crate) fn have_sent(&self, request: &HttpRequest) -> bool {
        self.contain(peer_address(request))
    }

    /// Whether an address is one of theirs. An IPv4-mapped IPv6 address counts as IPv4.
    fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Walks `X-Forwarded-For` from the right, where our own proxies append, to the first address
    /// that is not theirs.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let values: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            if !self.contain(client) {
                break;
            }
            match parse_hop(hop.trim()) {
                Some(address) => client = address.to_canonical(),
                // No trusted proxy vouches for anything further left.
                None => break,
            }
        }
        client
    }
}

/// Who has connected. Only a Unix socket has no peer address, and the server does not listen on
/// one.
fn peer_address(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()).to_canonical()
}

/// An address as proxies write it: plain, with a port, or in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(trusted: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let proxies =
            TrustedProxies(trusted.iter().map(|text| parse_network(text).unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(value),
            );
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn asvs_4_1_3_a_stranger_cannot_choose_an_address() {
        assert_eq!(client(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(
            client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1, 203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], "10.0.0.1", &["198.51.100.1", "203.0.113.9"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn asvs_15_3_4_a_chain_of_proxies_is_walked() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(client(&trusted, "10.0.0.1", &["203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(
            client(&trusted, "2001:db8::1", &["203.0.113.9:4711", "[2001:db8::2]:80"]),
            "203.0.113.9"
        );
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
            TrustedProxies(vec![parse_network(network).unwrap()]).contain(address.parse().unwrap())
        };
        assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
        assert!(contains("10.1.2.3/8", "10.255.0.1") && !contains("10.1.2.3/8", "11.0.0.1"));
        assert!(contains("192.0.2.1", "192.0.2.1") && !contains("192.0.2.1", "192.0.2.2"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1") && !contains("::/0", "10.0.0.1"));
        for text in
            ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "example.com"]
        {
            assert!(parse_network(text).is_none(), "{text}");
        }
    }
}
