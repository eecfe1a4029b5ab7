//! What the settings mean for the API, whichever adapters it is wired to.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use domain::ports::GuessAllowance;
use service::settings::{CommaList, ExistingAccountSetting, LimitSettings, Settings, SettingsError};

use crate::Options;
use crate::http::ServerOptions;
use crate::http::client_address::{Network, TrustedProxies};
use crate::limits::{ActionQuotas, Quotas};
use crate::outbox_relay::RelayOptions;
use crate::purge::PurgeOptions;
use crate::use_cases::ExistingAccount;

/// A day, over which guesses are counted.
const DAY: Duration = Duration::from_hours(24);

/// How the API behaves.
pub fn options(settings: &Settings) -> Result<Options, SettingsError> {
    if settings.code.attempts == 0 || settings.code.guesses_per_day == 0 {
        return Err(SettingsError::invalid("code.attempts", "and code.guesses_per_day must be at least 1"));
    }
    Ok(Options {
        code_key: Arc::new(settings.code.key()?),
        code_length: settings.code.length()?,
        code_window: settings.code.window()?,
        guess_allowance: GuessAllowance { guesses: settings.code.guesses_per_day, period: DAY },
        password_length: settings.password.length()?,
        refuse_common_passwords: settings.password.refuse_common,
        breach_fail_open: settings.password.breach_fail_open,
        existing_account: match settings.registration.existing_account {
            ExistingAccountSetting::Reveal => ExistingAccount::Reveal,
            ExistingAccountSetting::Conceal => ExistingAccount::Conceal,
        },
        quotas: quotas(&settings.limits),
        trusted_proxies: trusted_proxies(&settings.http.trusted_proxies)?,
        allowed_origins: settings.http.cors_origins.0.clone(),
        body_timeout: Duration::from_millis(settings.http.body_timeout_ms),
    })
}

/// What bounds the HTTP server.
pub fn server_options(settings: &Settings) -> ServerOptions {
    let http = &settings.http;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    ServerOptions {
        workers: if http.workers == 0 { cores } else { http.workers },
        max_connections: http.max_connections,
        keep_alive: Duration::from_secs(http.keep_alive_seconds),
        client_request_timeout: Duration::from_millis(http.header_timeout_ms),
        client_disconnect_timeout: Duration::from_millis(http.header_timeout_ms),
        shutdown_timeout: Duration::from_secs(http.shutdown_seconds),
    }
}

/// How the relay works.
pub fn relay_options(settings: &Settings) -> RelayOptions {
    RelayOptions {
        batch_size: settings.outbox.batch,
        batches_in_flight: settings.outbox.batches_in_flight,
        lease: Duration::from_secs(settings.outbox.lease_seconds),
        poll_interval: Duration::from_millis(settings.outbox.poll_interval_ms),
        drain_timeout: Duration::from_secs(settings.http.shutdown_seconds),
        ..RelayOptions::default()
    }
}

/// When unverified registrations go.
pub fn purge_options(settings: &Settings) -> PurgeOptions {
    let registration = &settings.registration;
    PurgeOptions {
        older_than: DAY * u32::try_from(registration.purge_after_days).unwrap_or(u32::MAX / 86_400),
        interval: Duration::from_secs(registration.purge_interval_seconds.max(1)),
        batch: registration.purge_batch.max(1),
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
    }
}

fn trusted_proxies(networks: &CommaList<String>) -> Result<TrustedProxies, SettingsError> {
    let parse = |text: &String| {
        text.parse::<Network>().map_err(|_| {
            let problem = format!("has {text:?}, which is not an address or a network like 10.0.0.0/8");
            SettingsError::invalid("http.trusted_proxies", problem)
        })
    };
    Ok(TrustedProxies::new(networks.0.iter().map(parse).collect::<Result<_, _>>()?))
}
