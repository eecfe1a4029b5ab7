//! What the settings mean for the API, whichever adapters it is wired to.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Allowance, PurgeAges, Quota};
use settings::{
    CommaList, DomainLists, ExistingAccountSetting, LimitSettings, QuotaSetting, Settings,
    SettingsError, default_threads,
};
use url::Url;

use crate::admission::DomainRules;
use crate::http::client_address::{TrustedProxies, parse_network};
use crate::http::{
    ApiOptions, ProductToken, ProofOfWorkOptions, PublicUrl, ReturnUrls, ServerOptions,
    SignupOptions,
};
use crate::limits::{ActionQuotas, Quotas};
use crate::outbox_relay::{Destination, RelayOptions};
use crate::purge::PurgeOptions;
use crate::use_cases::ExistingAccount;

/// A day, over which guesses are counted.
const DAY: Duration = Duration::from_hours(24);

/// How long the relay waits after the first failed delivery of an event.
const FIRST_DELIVERY_RETRY: Duration = Duration::from_millis(500);

/// The longest that it waits.
const MAX_DELIVERY_RETRY: Duration = Duration::from_secs(30);

/// Whether there is a sign-up page where the settings leave it to the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignupPageDefault {
    /// There is one.
    On,
    /// There is none.
    Off,
}

/// How the API behaves.
pub fn options(
    settings: &Settings,
    signup_page: SignupPageDefault,
) -> Result<ApiOptions, SettingsError> {
    Ok(ApiOptions {
        code_keys: Arc::new(settings.code.keys()?),
        code_length: settings.code.length,
        previous_code_lengths: settings.code.previous_lengths.clone(),
        code_window: settings.code.window,
        guess_allowance: Allowance { amount: settings.code.guesses_per_day.get(), period: DAY },
        password_length: settings.password.length(),
        refuse_common_passwords: settings.password.refuse_common,
        breach_fail_open: settings.password.breach_fail_open,
        domains: domain_rules(settings)?,
        hook_fail_open: settings.registration.hook_fail_open,
        existing_account: match settings.registration.existing_account {
            ExistingAccountSetting::Reveal => ExistingAccount::Reveal,
            ExistingAccountSetting::Conceal => ExistingAccount::Conceal,
        },
        quotas: quotas(&settings.limits),
        trusted_proxies: trusted_proxies(&settings.http.trusted_proxies)?,
        allowed_origins: origins(&settings.http.cors_origins)?,
        public_url: public_url(&settings.http.public_url)?,
        proof_of_work: settings.proof_of_work.enabled.then_some(ProofOfWorkOptions {
            difficulty: settings.proof_of_work.difficulty,
            expiry: settings.proof_of_work.expiry,
        }),
        signup: signup(settings, signup_page)?,
        body_timeout: settings.http.body_timeout,
    })
}

/// Everything for which [`options`] refuses the settings, and not only the first, beside the key.
pub(crate) fn problems(settings: &Settings) -> impl Iterator<Item = SettingsError> {
    let proxies = trusted_proxies(&settings.http.trusted_proxies).err();
    let origins = origins(&settings.http.cors_origins).err();
    let public_url = public_url(&settings.http.public_url).err();
    let return_urls = return_urls(settings).err();
    let domains = domain_rules(settings).err();
    [proxies, origins, public_url, return_urls, domains].into_iter().flatten()
}

fn domain_rules(settings: &Settings) -> Result<DomainRules, SettingsError> {
    let DomainLists { allowed, denied, disposable } = settings.registration.domains()?;
    Ok(DomainRules { allowed, denied, disposable })
}

/// Where clients reach the API.
pub fn public_url(text: &str) -> Result<PublicUrl, SettingsError> {
    if text.is_empty() {
        return Ok(PublicUrl::default());
    }
    PublicUrl::parse(text).ok_or_else(|| {
        let problem = format!("is {text:?}, which is not a URL like https://example.com/signup");
        SettingsError::invalid("http.public_url", problem)
    })
}

fn signup(
    settings: &Settings,
    by_default: SignupPageDefault,
) -> Result<Option<SignupOptions>, SettingsError> {
    // Checked even if there is no page: it may be switched on later, and by somebody else.
    let return_urls = return_urls(settings)?;
    let product = settings.mail.product_name.clone();
    let is_enabled = settings.signup.is_enabled(by_default == SignupPageDefault::On);
    Ok(is_enabled.then_some(SignupOptions { product, return_urls }))
}

/// Where the sign-up page may lead.
fn return_urls(settings: &Settings) -> Result<ReturnUrls, SettingsError> {
    let parse = |text: &String| {
        let origin = parse_origin(text).filter(|origin| origin.starts_with("http"));
        origin.ok_or_else(|| {
            let problem =
                format!("has {text:?}, which is not an origin like https://app.example.com");
            SettingsError::invalid("signup.return_origins", problem)
        })
    };
    let origins = settings.signup.return_origins.0.iter().map(parse);
    let origins: Vec<_> = origins.collect::<Result<_, _>>()?;
    let url = &settings.signup.return_url;
    let default = (!url.is_empty()).then_some(url.as_str());
    ReturnUrls::new(default, &origins).map_err(|error| {
        SettingsError::invalid("signup.return_url", format!("is {url:?}, which {error}"))
    })
}

/// The product's token, where its listener is on.
pub fn product_token(settings: &Settings) -> Result<ProductToken, SettingsError> {
    ProductToken::new(settings.product.token().clone()).map_err(|error| {
        let problem = format!(
            "{error}: put one of at least 32 letters and digits, such as `openssl rand -hex 32` \
             makes, into the file that product.token_file names"
        );
        SettingsError::invalid("product.token", problem)
    })
}

/// Of the time for the shutdown, the server has one half and the relay the other.
fn drain_timeout(settings: &Settings) -> Duration {
    settings.http.shutdown_timeout / 2
}

/// What requests may take over all connections until they are answered: four thousand bodies of the
/// largest size are twice as much, and then connections with long requests are closed.
const REQUEST_MEMORY: usize = 32 * 1024 * 1024;

/// Files and sockets that are no connections of clients, beside those of the pools: logs,
/// databases, brokers, listeners, the operator and the inbox.
const OTHER_DESCRIPTORS: usize = 96;

/// What bounds the HTTP server in a process that may have `descriptors` files and sockets open.
pub fn server_options(settings: &Settings, descriptors: usize) -> ServerOptions {
    let http = &settings.http;
    ServerOptions {
        workers: if http.workers == 0 { default_threads() } else { http.workers },
        max_connections: max_connections(settings, descriptors),
        request_memory: REQUEST_MEMORY,
        keep_alive: http.keep_alive,
        client_request_timeout: http.header_timeout,
        client_disconnect_timeout: http.header_timeout,
        shutdown_delay: http.shutdown_delay,
        shutdown_timeout: drain_timeout(settings),
    }
}

/// The connections of the product: it is one caller, which keeps its connections open.
const PRODUCT_CONNECTIONS: usize = 64;

/// What its requests may take until they are answered.
const PRODUCT_REQUEST_MEMORY: usize = 2 * 1024 * 1024;

/// What bounds the product's listener, beside the API of these options.
pub fn product_server_options(api: ServerOptions) -> ServerOptions {
    ServerOptions {
        workers: 1,
        max_connections: PRODUCT_CONNECTIONS,
        request_memory: PRODUCT_REQUEST_MEMORY,
        ..api
    }
}

/// How many connections of clients a process that may have `descriptors` files and sockets open
/// can serve.
pub(crate) fn possible_connections(settings: &Settings, descriptors: usize) -> usize {
    let reserved = OTHER_DESCRIPTORS
        + PRODUCT_CONNECTIONS
        + settings.postgres.pool_size.get()
        + settings.smtp.connections.get();
    descriptors.saturating_sub(reserved).max(1)
}

/// The connections for which there are descriptors, once the stores have theirs.
fn max_connections(settings: &Settings, descriptors: usize) -> usize {
    let wanted = settings.http.max_connections.get();
    let possible = possible_connections(settings, descriptors);
    if wanted > possible {
        tracing::warn!(
            event = "http.max_connections_lowered",
            wanted,
            max_connections = possible,
            descriptors,
            "the limit on open files allows fewer connections than http.max_connections"
        );
    }
    wanted.min(possible)
}

/// How the relay works.
pub fn relay_options(settings: &Settings) -> RelayOptions {
    let outbox = &settings.outbox;
    RelayOptions {
        destination: Destination::Bus,
        batch_size: outbox.batch.get(),
        batches_in_flight: outbox.batches_in_flight.get(),
        lease: outbox.lease,
        poll_interval: outbox.poll_interval,
        drain_timeout: drain_timeout(settings),
        first_retry: FIRST_DELIVERY_RETRY,
        max_retry: MAX_DELIVERY_RETRY,
    }
}

/// How many webhooks may be under way at once: one that hangs holds up none of the others.
const WEBHOOKS_IN_FLIGHT: usize = 8;

/// The wait after the first failure of a webhook, and the longest.
const FIRST_WEBHOOK_RETRY: Duration = Duration::from_secs(1);
const MAX_WEBHOOK_RETRY: Duration = Duration::from_hours(1);

/// How the relay of the webhook works: each event is claimed by itself, for as long as its delivery
/// may take.
pub fn webhook_relay_options(settings: &Settings) -> RelayOptions {
    let options = relay_options(settings);
    RelayOptions {
        destination: Destination::Webhook,
        batch_size: 1,
        batches_in_flight: WEBHOOKS_IN_FLIGHT,
        lease: options.lease.max(settings.webhooks.timeout * 2),
        first_retry: FIRST_WEBHOOK_RETRY,
        max_retry: MAX_WEBHOOK_RETRY,
        ..options
    }
}

/// When unverified registrations go.
pub fn purge_options(settings: &Settings) -> PurgeOptions {
    let registration = &settings.registration;
    PurgeOptions {
        ages: PurgeAges {
            mailed: registration.purge_after,
            unmailed: registration.purge_unmailed_after,
        },
        interval: registration.purge_interval,
        batch: registration.purge_batch.get(),
    }
}

fn quotas(limits: &LimitSettings) -> Quotas {
    Quotas {
        register: ActionQuotas {
            client: limits.register_per_client.0,
            address: limits.register_per_address.0,
        },
        activate: ActionQuotas {
            client: limits.activate_per_client.0,
            address: limits.activate_per_address.0,
        },
        resend_code: ActionQuotas {
            client: limits.resend_per_client.0,
            address: limits.resend_per_address.0,
        },
        further_codes: limits.further_codes.0,
        wrong_guesses_per_client: limits.wrong_guesses_per_client.0.map(allowance),
        wrong_passwords_per_client: limits.wrong_passwords_per_client.0.map(allowance),
        wrong_passwords_per_address: limits.wrong_passwords_per_address.0.map(allowance),
        mails_per_mailbox: allowances(&limits.mails_per_mailbox),
        mails_per_mailbox_and_network: allowances(&limits.mails_per_mailbox_and_network),
    }
}

fn allowances(quotas: &CommaList<QuotaSetting>) -> Vec<Allowance> {
    let quotas = quotas.0.iter().filter_map(|quota| quota.0);
    quotas.map(allowance).collect()
}

fn allowance(quota: Quota) -> Allowance {
    Allowance { amount: quota.burst, period: quota.period }
}

fn trusted_proxies(networks: &CommaList<String>) -> Result<TrustedProxies, SettingsError> {
    let parse = |text: &String| {
        parse_network(text).ok_or_else(|| {
            let problem =
                format!("has {text:?}, which is not an address or a network like 10.0.0.0/8");
            SettingsError::invalid("http.trusted_proxies", problem)
        })
    };
    Ok(TrustedProxies::new(networks.0.iter().map(parse).collect::<Result<_, _>>()?))
}

fn origins(origins: &CommaList<String>) -> Result<Vec<String>, SettingsError> {
    let parse = |text: &String| {
        parse_origin(text).ok_or_else(|| {
            let problem =
                format!("has {text:?}, which is not an origin like https://app.example.com");
            SettingsError::invalid("http.cors_origins", problem)
        })
    };
    origins.0.iter().map(parse).collect()
}

/// An origin in the form in which browsers send it (HTML standard, "ASCII serialization of an
/// origin"): lower case, the host in ASCII, no default port. Refuses what no browser sends, such as
/// a wildcard, a user or a path.
fn parse_origin(text: &str) -> Option<String> {
    let (_, authority) = text.split_once("://")?;
    let is_bare = !authority.contains(['/', '\\', '?', '#', '@', '*', '%']);
    if !is_bare || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let origin = url.origin();
    match url.host_str() {
        None | Some("") => None,
        Some(_) if origin.is_tuple() => Some(origin.ascii_serialization()),
        // The scheme of an app's own pages, of which the standard says nothing.
        Some(_) => Some(text.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Sources;

    fn refusal(key: &'static str, value: &str) -> String {
        let key_of_tests = "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12";
        let settings = Sources::default().with("code.key", &key_of_tests).with(key, &value).load();
        let settings = settings.unwrap();
        options(&settings, SignupPageDefault::Off)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn asvs_3_5_what_is_no_origin_is_refused() {
        for text in [
            "*",
            "app.example.com",
            "https://app.example.com/",
            "https://",
            "https://a.example/x",
            "a b",
        ] {
            let message = refusal("http.cors_origins", text);
            assert!(
                message.contains("http.cors_origins") && message.contains(text),
                "{text}: {message}"
            );
        }
        for text in ["https://app.example.com", "http://localhost:5173,capacitor://localhost", ""] {
            assert_eq!(refusal("http.cors_origins", text), "", "{text}");
        }
    }

    #[test]
    fn a_public_url_that_is_none_is_refused_by_name() {
        for text in ["example.com", "/signup", "ftp://example.com/", "https://example.com/?a"] {
            let message = refusal("http.public_url", text);
            assert!(
                message.contains("http.public_url") && message.contains(text),
                "{text}: {message}"
            );
        }
        for text in ["", "https://example.com/signup"] {
            assert_eq!(refusal("http.public_url", text), "", "{text}");
        }
    }

    #[test]
    fn asvs_3_7_2_a_place_to_return_to_is_checked_at_start() {
        for text in ["welcome", "javascript:alert(1)", "https://me@example.com/"] {
            let message = refusal("signup.return_url", text);
            assert!(message.contains("signup.return_url") && message.contains(text), "{message}");
        }
        for text in ["app.example.com", "https://app.example.com/welcome", "app://local", "*"] {
            let message = refusal("signup.return_origins", text);
            assert!(message.contains("signup.return_origins"), "{text}: {message}");
        }
        assert_eq!(refusal("signup.return_url", "https://app.example.com/welcome"), "");
        assert_eq!(refusal("signup.return_origins", "https://app.example.com"), "");
    }

    #[test]
    fn asvs_3_5_an_origin_is_written_as_browsers_send_it() {
        for (text, expected) in [
            ("https://app.example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://app.example.com:80", "http://app.example.com"),
            ("https://app.example.com:80", "https://app.example.com:80"),
            ("HTTPS://App.Example.COM:8443", "https://app.example.com:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://127.1:5173", "http://127.0.0.1:5173"),
            ("http://[0:0::1]:5173", "http://[::1]:5173"),
            ("capacitor://LOCALHOST", "capacitor://localhost"),
        ] {
            assert_eq!(parse_origin(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn asvs_3_5_an_origin_that_no_browser_sends_is_refused() {
        for text in [
            "https://*.example.com",
            "https://app.example.com:*",
            "https://user@app.example.com",
            "https://app.example.com?x",
            "https://app.example.com#x",
            "https://app.example.com:65536",
            "https://1.2.3.4.5",
            "https://:443",
            "file://",
            "null",
        ] {
            assert_eq!(parse_origin(text), None, "{text}");
        }
    }
}
