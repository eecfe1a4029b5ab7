//! Whether the product's listener is where only the product reaches it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use domain::Finding;

const CHECK: &str = "product.listen";

/// Nothing is asked of what listens there: whatever answers without the token tells nothing.
pub(super) fn judge(address: SocketAddr) -> Finding {
    let advice = "let only the product's machines reach it, over TLS: whoever has the token reads \
                  and deletes accounts";
    match TcpListener::bind(address) {
        Err(error) if error.kind() != ErrorKind::AddrInUse => Finding::error(
            CHECK,
            format!("cannot listen on {address}: {error}"),
            "set product.listen to an address of this machine, and a port above 1023",
        ),
        _ if !address.ip().is_loopback() => {
            Finding::warning(CHECK, format!("{address} is not on loopback"), advice)
        }
        Ok(_) => Finding::ok(CHECK, format!("{address} is free: the service is not running")),
        Err(_) => Finding::ok(CHECK, format!("something listens on {address}")),
    }
}

#[cfg(test)]
mod tests {
    use domain::Severity;

    use super::*;

    #[test]
    fn an_address_is_private_or_warned_of() {
        let severity = |address: &str| judge(address.parse().unwrap()).severity;
        assert_eq!(severity("127.0.0.1:0"), Severity::Ok);
        assert_eq!(severity("0.0.0.0:0"), Severity::Warning);
        assert_eq!(severity("192.0.2.1:80"), Severity::Error);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(judge(taken.local_addr().unwrap()).severity, Severity::Ok);
    }
}
