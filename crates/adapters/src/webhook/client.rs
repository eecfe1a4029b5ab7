//! The HTTP client that reaches the receiver and nobody else.

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::options::{WebhookOptions, WebhookOptionsError};
use crate::http_addresses::{CheckedResolver, Permitted};

/// Where to send, and what sends.
pub(super) struct Receiver {
    pub(super) client: Client,
    pub(super) url: Url,
}

impl Receiver {
    /// Checks the options; does not connect yet.
    pub(super) fn new(options: &WebhookOptions) -> Result<Self, WebhookOptionsError> {
        let url = Url::parse(&options.url).map_err(|_| WebhookOptionsError::Url)?;
        let tls = match url.scheme() {
            "https" => true,
            "http" if options.allow_private_addresses => false,
            "http" => return Err(WebhookOptionsError::Insecure),
            _ => return Err(WebhookOptionsError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookOptionsError::Credentials);
        }
        let permitted = Permitted { private: options.allow_private_addresses, public: tls };
        // An address in the URL is not looked up.
        let host = url.host_str().ok_or(WebhookOptionsError::Url)?;
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            permitted.check(address)?;
        }
        let client = Client::builder()
            .timeout(options.timeout)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(CheckedResolver::new(permitted))
            .user_agent(concat!("registration/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cloud_events::EventNaming;
    use crate::http_addresses::RefusedAddress;

    fn refusal(url: &str, allow_private_addresses: bool) -> Option<WebhookOptionsError> {
        test_support::install_crypto_provider();
        let options = WebhookOptions {
            url: url.to_owned(),
            secrets: Vec::new(),
            timeout: Duration::from_secs(1),
            give_up_after: Duration::from_secs(1),
            allow_private_addresses,
            naming: EventNaming { source: "/".into(), type_prefix: String::new() },
        };
        Receiver::new(&options).err()
    }

    #[test]
    fn a_url_that_cannot_be_a_receiver_is_refused() {
        for url in ["", "product.example", "ftp://product.example/", "/hooks"] {
            assert!(matches!(refusal(url, true), Some(WebhookOptionsError::Url)), "{url}");
        }
        let with_password = refusal("https://me:secret@product.example/", false);
        assert!(matches!(with_password, Some(WebhookOptionsError::Credentials)));
        let plain = refusal("http://product.example/", false);
        assert!(matches!(plain, Some(WebhookOptionsError::Insecure)));
        assert!(refusal("http://product/", true).is_none());
        assert!(refusal("https://product.example/hooks?a=b", false).is_none());
    }

    /// In whatever way they are written.
    #[test]
    fn asvs_13_2_4_an_address_in_the_url_is_judged_too() {
        for url in ["https://169.254.169.254/", "https://0xa9fea9fe/", "https://[fe80::1]/"] {
            let refused = refusal(url, true);
            let address = RefusedAddress::Never("169.254.169.254".parse().unwrap());
            let Some(WebhookOptionsError::Address(found)) = refused else {
                panic!("{url}: {refused:?}")
            };
            assert!(matches!(found, RefusedAddress::Never(_)), "{url}: {found}, not {address}");
        }
        let private = refusal("https://127.0.0.1/", false);
        assert!(matches!(private, Some(WebhookOptionsError::Address(RefusedAddress::Private(_)))));
        assert!(refusal("https://127.0.0.1/", true).is_none());
        let public = refusal("http://93.184.216.34/", true);
        assert!(matches!(public, Some(WebhookOptionsError::Address(RefusedAddress::Insecure(_)))));
    }
}
