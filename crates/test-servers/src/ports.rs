//! Ports of the loopback address.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;

use crate::error::ServerError;

/// As many different ports as asked for, each free a moment ago. They lie below those that the
/// kernel gives to outgoing connections, so that no client can take one before its server does.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], ServerError> {
    const FIRST: u64 = 20_000;
    const COUNT: u64 = 10_000;
    // Random, so that runs side by side do not try the same ports at the same time.
    let start = RandomState::new().build_hasher().finish() % COUNT;
    let candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    let free = candidates.filter_map(|port| u16::try_from(port).ok()).filter(|&port| is_free(port));
    free.take(N).collect::<Vec<_>>().try_into().map_err(|_| ServerError::NoPort)
}

/// Whether nobody listens on the port.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports = free_ports::<8>().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 8);
    }
}
