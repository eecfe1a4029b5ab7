//! Keeps requests away from link-local addresses, where clouds hand out credentials
//! (169.254.169.254): no setting and no name may lead there.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host that must not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0} is a link-local address")]
pub struct LinkLocal(IpAddr);

/// Refuses an address that is link-local (RFC 3927, RFC 4291 section 2.5.6).
pub(super) fn refuse_link_local(address: IpAddr) -> Result<(), LinkLocal> {
    let is_link_local = match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if is_link_local { Err(LinkLocal(address)) } else { Ok(()) }
}

/// Asks the system for the addresses of a name, and refuses the name if one is link-local.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            addresses.iter().try_for_each(|address| refuse_link_local(address.ip()))?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_1_3_6_link_local_addresses_are_refused() {
        for address in
            ["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.169.254"]
        {
            refuse_link_local(address.parse().unwrap()).unwrap_err();
        }
        for address in ["127.0.0.1", "10.0.0.1", "192.168.0.1", "::1", "fd00::1", "169.253.0.1"] {
            refuse_link_local(address.parse().unwrap()).unwrap();
        }
    }
}
