//! The networks that a client is counted by.

use std::net::IpAddr;

use ipnet::Ipv6Net;

/// The key of a client: its IPv4 address, or its IPv6 /64, within which one customer chooses
/// addresses freely.
pub(super) fn client_key(client: IpAddr) -> String {
    network(client, 64)
}

/// Where a client sends from: its IPv4 address, or its IPv6 /48, the most that one site is given (RFC 6177).
pub(super) fn site(client: IpAddr) -> String {
    network(client, 48)
}

fn network(client: IpAddr, ipv6_prefix: u8) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, ipv6_prefix).trunc().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_6_3_1_an_ipv6_customer_is_one_client() {
        let of = |text: &str| client_key(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }

    #[test]
    fn an_ipv6_site_is_one_network() {
        let of = |text: &str| site(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
