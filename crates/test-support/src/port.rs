//! Free ports that stay free for the test that asked for them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port on the loopback interface that nobody listens on, and that no other test and no outgoing
/// connection is given while this process runs. Servers that set `SO_REUSEADDR`, as nearly all do,
/// can listen on it.
pub fn free_port() -> u16 {
    let reservation = TcpSocket::new_v4().unwrap();
    reservation.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = reservation.local_addr().unwrap().port();
    // Only now, so that the bind above fails on a port that another test has reserved.
    reservation.set_reuseaddr(true).unwrap();
    // Stays bound until the process ends.
    std::mem::forget(reservation);
    port
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_server_can_listen_on_a_free_port_again_and_again() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        for _ in 0..3 {
            assert!(TcpStream::connect(address).is_err());
            let server = TcpListener::bind(address).unwrap();
            let client = TcpStream::connect(address).unwrap();
            // The server closes first, which leaves the connection in TIME_WAIT.
            drop(server.accept().unwrap());
            assert!(TcpListener::bind(address).is_err());
            drop((client, server));
        }
    }

    #[test]
    fn no_port_is_given_twice() {
        let ports: HashSet<u16> = (0..500).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 500);
        let exclusive = |port: &u16| {
            TcpSocket::new_v4()
                .unwrap()
                .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))
                .is_ok()
        };
        assert!(!ports.iter().any(exclusive), "a reserved port can be reserved again");
    }
}
