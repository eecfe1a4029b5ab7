//! Whether a service can listen where it is told to, or does so already.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use domain::Finding;

use super::examination::Examination;
use crate::operator::is_ready;

impl Examination {
    /// Starts the check of an address on which the service answers `/health/ready`.
    pub fn start_listener_check(&mut self, check: &'static str, address: SocketAddr) {
        self.start(check, async move {
            let looked = tokio::task::spawn_blocking(move || judge(check, address));
            vec![looked.await.unwrap_or_else(|error| {
                Finding::error(check, error.to_string(), "report this defect")
            })]
        });
    }
}

/// Whoever listens is asked; nobody is in the way of a service that starts meanwhile for longer
/// than it takes to see that the address is free.
fn judge(check: &'static str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, format!("{address} is free: the service is not running")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match is_ready(address) {
            Ok(true) => Finding::ok(check, format!("the service on {address} is ready")),
            Ok(false) | Err(_) => Finding::warning(
                check,
                format!("{address} is taken, and what listens there is not ready"),
                format!("if it is this service, see its log; else stop it or change {check}"),
            ),
        },
        Err(error) => Finding::error(
            check,
            format!("cannot listen on {address}: {error}"),
            format!("set {check} to an address of this machine, and a port above 1023"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use domain::Severity;

    use super::*;

    /// Answers one request, if there is an answer, and is gone.
    fn listening(answer: Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 1024]);
            if let Some(answer) = answer {
                client.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn an_address_is_free_or_asked_who_has_it() {
        let severity = |address| judge("http.listen", address).severity;
        assert_eq!(severity("127.0.0.1:0".parse().unwrap()), Severity::Ok);
        assert_eq!(severity(listening(Some("HTTP/1.1 200 OK\r\n\r\n"))), Severity::Ok);
        assert_eq!(severity(listening(Some("HTTP/1.1 503 No\r\n\r\n"))), Severity::Warning);
        assert_eq!(severity(listening(None)), Severity::Warning);
        let finding = judge("http.listen", "192.0.2.1:80".parse().unwrap());
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.advice.unwrap().contains("http.listen"));
    }
}
