//! The networks that a client is counted by.

use std::net::IpAddr;

use ipnet::Ipv6Net;

/// A network, and how many times the quota of one client it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientNetwork {
    pub(super) key: String,
    pub(super) share: u32,
}

/// The networks that a client is counted by, the narrowest first: its IPv4 address; or its IPv6
/// /64, within which one customer chooses addresses freely, and the /56 and the /48 around it,
/// which providers give to one customer or site (RFC 6177), with more of a quota because several
/// may share them.
pub(super) fn client_networks(client: IpAddr) -> Vec<ClientNetwork> {
    let network = |prefix, share| ClientNetwork { key: key(client, prefix), share };
    match client.to_canonical() {
        IpAddr::V4(_) => vec![network(64, 1)],
        IpAddr::V6(_) => vec![network(64, 1), network(56, 4), network(48, 16)],
    }
}

/// Where a client sends from: its IPv4 address, or its IPv6 /48.
pub(super) fn site(client: IpAddr) -> String {
    key(client, 48)
}

/// An IPv4 address counts by itself.
fn key(client: IpAddr, ipv6_prefix: u8) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, ipv6_prefix).trunc().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(client: &str) -> Vec<(String, u32)> {
        let networks = client_networks(client.parse().unwrap()).into_iter();
        networks.map(|network| (network.key, network.share)).collect()
    }

    #[test]
    fn asvs_6_3_1_an_ipv6_customer_is_one_client() {
        assert_eq!(networks("2001:db8:1:2::1"), networks("2001:db8:1:2:ffff::9"));
        assert_ne!(networks("2001:db8:1:2::1"), networks("2001:db8:1:3::1"));
        assert_eq!(networks("::ffff:203.0.113.7"), networks("203.0.113.7"));
        assert_eq!(networks("203.0.113.7"), [("203.0.113.7".to_owned(), 1)]);
    }

    #[test]
    fn asvs_6_3_1_an_ipv6_client_counts_in_the_networks_around_it() {
        let expected =
            [("2001:db8:1:203::/64", 1), ("2001:db8:1:200::/56", 4), ("2001:db8:1::/48", 16)];
        assert_eq!(
            networks("2001:db8:1:203::1"),
            expected.map(|(key, share)| (key.to_owned(), share))
        );
    }

    #[test]
    fn an_ipv6_site_is_one_network() {
        let of = |text: &str| site(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
