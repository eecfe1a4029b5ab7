//! Ports of the loopback address.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Mutex, PoisonError};

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

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

/// Whether nobody listens on the port. It is bound without listening: a program that another thread
/// is starting holds a copy of the socket for a moment, and one that listens would block the port.
pub(crate) fn is_free(port: u16) -> bool {
    let bind = || {
        let (kind, flags) = (SocketType::STREAM, SocketFlags::CLOEXEC);
        let socket = net::socket_with(AddressFamily::INET, kind, flags, None)?;
        // Shares the port with sockets that do not listen, as the server itself will.
        set_socket_reuseaddr(&socket, true)?;
        net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    };
    bind().is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_port_is_free_while_other_threads_start_programs() {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        assert!(Command::new("true").status().unwrap().success());
                    }
                });
            }
            let taken = (0..2000).filter(|_| {
                let [port] = free_ports().unwrap();
                !is_free(port) || TcpListener::bind(("127.0.0.1", port)).is_err()
            });
            let taken = taken.count();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(taken, 0);
        });
    }

    #[test]
    fn no_port_is_given_out_twice() {
        let ports: Vec<u16> = (0..500).flat_map(|_| free_ports::<4>().unwrap()).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 2000);
    }
}
