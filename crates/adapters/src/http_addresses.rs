//! Which addresses this service may send HTTP requests to that a setting names: webhooks, and
//! questions to the registration hook.
//!
//! Judged is every address that a connection would go to, after its name was looked up: a name that
//! leads elsewhere a moment later (DNS rebinding) gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use domain::ports::Source;
use futures::FutureExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// An address that is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAddress {
    /// Link-local, multicast or reserved: metadata services of clouds are there, receivers never.
    #[error("{0} is a link-local, multicast or reserved address, which is never asked")]
    Never(IpAddr),
    /// In a private network, or this host.
    #[error(
        "{0} is a private or loopback address: set webhooks.allow_private_addresses to send there"
    )]
    Private(IpAddr),
    /// Plain HTTP to the public internet.
    #[error("{0} is a public address, which is reached by https only")]
    Insecure(IpAddr),
    /// The name has no address.
    #[error("the host has no address")]
    None,
}

/// What the settings permit, beside what is never reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permitted {
    pub(crate) private: bool,
    pub(crate) public: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    Never,
}

impl Permitted {
    pub(crate) fn check(self, address: IpAddr) -> Result<(), RefusedAddress> {
        match reach(address) {
            Reach::Never => Err(RefusedAddress::Never(address)),
            Reach::Private if !self.private => Err(RefusedAddress::Private(address)),
            Reach::Public if !self.public => Err(RefusedAddress::Insecure(address)),
            Reach::Private | Reach::Public => Ok(()),
        }
    }

    /// Those that may be connected to, of which there must be one.
    fn select(
        self,
        addresses: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, RefusedAddress> {
        let (mut permitted, mut refusal) = (Vec::new(), RefusedAddress::None);
        for address in addresses {
            match self.check(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(refused) => refusal = refused,
            }
        }
        if permitted.is_empty() { Err(refusal) } else { Ok(permitted) }
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_of_v4(address),
        IpAddr::V6(address) => embedded(address).map_or_else(|| reach_of_v6(address), reach_of_v4),
    }
}

/// The registries of special-purpose addresses (RFC 6890), and the metadata service that one cloud
/// has among the addresses of carriers.
fn reach_of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0, _] | [100, 100, 100, 200] => {
            Reach::Never
        }
        [10 | 127, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [100, 64..=127, ..]
        | [198, 18 | 19, ..] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_of_v6(address: Ipv6Addr) -> Reach {
    /// Where another cloud has its metadata service.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.segments() {
        _ if address.is_unspecified() || address.is_multicast() || address == METADATA => {
            Reach::Never
        }
        [0xfe80..=0xfebf, ..] => Reach::Never,
        _ if address.is_loopback() => Reach::Private,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Reach::Private,
        _ => Reach::Public,
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, by NAT64 or by 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // These have the compatible form too.
        _ if address.is_unspecified() || address.is_loopback() => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0 | 1, .., high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// Looks names up, and keeps the addresses that are permitted.
#[derive(Debug)]
pub(crate) struct CheckedResolver(Permitted);

impl CheckedResolver {
    pub(crate) fn new(permitted: Permitted) -> Arc<Self> {
        Arc::new(Self(permitted))
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let permitted = self.0;
        async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses = permitted.select(found)?;
            Ok::<_, Source>(Box::new(addresses.into_iter()) as Addrs)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach_of(address: &str) -> Reach {
        reach(address.parse().unwrap())
    }

    #[test]
    fn asvs_13_2_4_metadata_services_and_link_local_addresses_are_never_reached() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.192",
            "100.100.100.200",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
        ] {
            assert_eq!(reach_of(address), Reach::Never, "{address}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for address in [
            "10.1.2.3",
            "127.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fc00::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
        ] {
            assert_eq!(reach_of(address), Reach::Private, "{address}");
        }
        for address in
            ["93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800::1", "::ffff:8.8.8.8"]
        {
            assert_eq!(reach_of(address), Reach::Public, "{address}");
        }
    }

    #[test]
    fn of_several_addresses_the_permitted_ones_are_kept() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
        };
        let found = addresses(&["169.254.169.254", "10.0.0.1", "93.184.216.34"]);
        let select =
            |private, public| Permitted { private, public }.select(found.clone().into_iter());
        assert_eq!(select(false, true).unwrap(), addresses(&["93.184.216.34"]));
        assert_eq!(select(true, true).unwrap(), addresses(&["10.0.0.1", "93.184.216.34"]));
        assert_eq!(select(true, false).unwrap(), addresses(&["10.0.0.1"]));
        let only = |text| {
            Permitted { private: false, public: true }.select(addresses(&[text]).into_iter())
        };
        assert!(matches!(only("10.0.0.1"), Err(RefusedAddress::Private(_))));
        assert!(matches!(only("169.254.1.1"), Err(RefusedAddress::Never(_))));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_refused_address_is_refused() {
        let permitted = Permitted { private: false, public: true };
        let resolved = CheckedResolver::new(permitted).resolve("localhost".parse().unwrap()).await;
        let refusal = resolved.err().unwrap().to_string();
        assert!(refusal.contains("webhooks.allow_private_addresses"), "{refusal}");
        let permitted = Permitted { private: true, public: true };
        let resolved = CheckedResolver::new(permitted).resolve("localhost".parse().unwrap()).await;
        assert!(resolved.unwrap().all(|address| address.ip().is_loopback()));
    }
}
