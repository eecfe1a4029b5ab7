//! Ports of the loopback address.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use crate::error::ServerError;

/// The ports that this process has given out: a server may not listen on its port yet when another
/// one is to have a port.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// As many different ports as asked for, each free a moment ago and never given out before. They lie
/// below those that the kernel gives to outgoing connections, so that no client can take one before
/// its server does.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], ServerError> {
    const FIRST: u64 = 20_000;
    const COUNT: u64 = 10_000;
    // Random, so that runs side by side do not try the same ports at the same time.
    let start = RandomState::new().build_hasher().finish() % COUNT;
    let candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let ports = candidates.filter_map(|port| u16::try_from(port).ok());
    let free = ports.filter(|port| !given.contains(port) && is_free(*port));
    let ports: [u16; N] =
        free.take(N).collect::<Vec<_>>().try_into().map_err(|_| ServerError::NoPort)?;
    given.extend(ports);
    Ok(ports)
}

/// Whether nobody listens on the port.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let ports: Vec<u16> = (0..500).flat_map(|_| free_ports::<4>().unwrap()).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 2000);
    }
}
