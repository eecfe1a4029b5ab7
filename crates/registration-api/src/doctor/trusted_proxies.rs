//! Whether the proxies that are trusted can be all that should be.

use domain::Finding;
use settings::HttpSettings;

use crate::http::client_address::parse_network;

const CHECK: &str = "http.trusted_proxies";

/// The shortest prefix of a network that somebody may own: `fc00::/7` holds all private addresses.
const WIDEST: u8 = 7;

pub(super) fn judge(http: &HttpSettings) -> Finding {
    let networks = || http.trusted_proxies.0.iter().filter_map(|text| parse_network(text));
    if let Some(network) = networks().find(|network| network.prefix_len() < WIDEST) {
        return Finding::error(
            CHECK,
            format!("{network} is trusted: clients can choose the address they are limited by"),
            "name your own proxies only",
        );
    }
    match networks().count() {
        0 if http.listen.ip().is_loopback() => {
            Finding::ok(CHECK, "none: clients are limited by the address that connects")
        }
        0 => Finding::warning(
            CHECK,
            format!("none, and the API listens on {}", http.listen.ip()),
            "name the proxies in front, or all clients behind one share its limit; TLS ends there",
        ),
        count => Finding::ok(CHECK, format!("networks: {count}")),
    }
}

#[cfg(test)]
mod tests {
    use domain::Severity;
    use settings::Sources;

    use super::*;

    #[test]
    fn proxies_are_few_and_named_where_the_api_can_be_reached() {
        for (listen, proxies, severity) in [
            ("127.0.0.1:8000", "", Severity::Ok),
            ("0.0.0.0:8000", "", Severity::Warning),
            ("0.0.0.0:8000", "10.0.0.0/8, fc00::/7", Severity::Ok),
            ("127.0.0.1:8000", "10.0.0.1, 0.0.0.0/0", Severity::Error),
            ("127.0.0.1:8000", "2000::/3", Severity::Error),
        ] {
            let sources = Sources::default()
                .with("http.listen", &listen)
                .with("http.trusted_proxies", &proxies);
            let finding = judge(&sources.load().unwrap().http);
            assert_eq!(finding.severity, severity, "{listen} {proxies}: {finding:?}");
        }
    }
}
