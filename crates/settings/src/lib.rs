//! The settings of every binary: `defaults.toml`, then a file, then the environment.
//!
//! One file per section: what can be set, what is refused, and what it means to an adapter (behind
//! the feature of that adapter, so that a library that reads settings cannot reach one). A wrong or
//! missing setting is one sentence that names it. Secrets are wrapped, so that no log and no error
//! shows them.

mod code;
mod comma_list;
#[cfg(test)]
mod compose;
mod domain_lists;
mod duration;
mod error;
mod events;
mod examination;
mod hashing;
mod http;
#[cfg(test)]
mod kubernetes;
mod limits;
mod log;
mod mail;
mod metrics;
mod outbox;
mod password;
mod postgres;
mod product;
mod proof_of_work;
mod quota;
mod rabbitmq;
mod redis;
mod registration;
mod renamed;
mod signup;
mod smtp;
mod sources;
mod standalone;
mod telemetry;
mod threads;
mod webhooks;

pub use code::CodeSettings;
pub use comma_list::CommaList;
pub use duration::{DurationError, parse as parse_duration};
pub use error::SettingsError;
pub use events::EventSettings;
pub use hashing::HashingSettings;
pub use http::HttpSettings;
pub use limits::LimitSettings;
pub use log::{LogFormat, LogSettings};
pub use mail::MailSettings;
pub use metrics::MetricsSettings;
pub use outbox::OutboxSettings;
pub use password::PasswordSettings;
pub use postgres::PostgresSettings;
pub use product::{ProductListen, ProductSettings};
pub use proof_of_work::ProofOfWorkSettings;
pub use quota::QuotaSetting;
pub use rabbitmq::RabbitmqSettings;
pub use redis::RedisSettings;
pub use registration::{DomainLists, ExistingAccountSetting, RegistrationSettings};
pub use renamed::RenamedKey;
pub use signup::{SignupSettings, SignupSwitch};
#[cfg(feature = "smtp")]
pub use smtp::MailServer;
pub use smtp::{SmtpSettings, SmtpTlsSetting};
pub use sources::{DEFAULTS, Sources};
pub use standalone::StandaloneSettings;
pub use telemetry::TelemetrySettings;
pub use threads::default_threads;
pub use webhooks::WebhookSettings;

use serde::Deserialize;

/// Everything that can be set. `defaults.toml` documents each value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "said once, in defaults.toml")]
pub struct Settings {
    pub http: HttpSettings,
    pub registration: RegistrationSettings,
    pub proof_of_work: ProofOfWorkSettings,
    pub password: PasswordSettings,
    pub code: CodeSettings,
    pub hashing: HashingSettings,
    pub limits: LimitSettings,
    pub postgres: PostgresSettings,
    pub redis: RedisSettings,
    pub rabbitmq: RabbitmqSettings,
    pub smtp: SmtpSettings,
    pub mail: MailSettings,
    pub outbox: OutboxSettings,
    pub events: EventSettings,
    pub webhooks: WebhookSettings,
    pub product: ProductSettings,
    pub metrics: MetricsSettings,
    pub log: LogSettings,
    pub telemetry: TelemetrySettings,
    pub signup: SignupSettings,
    pub standalone: StandaloneSettings,
    /// The old names that were used, for a warning once there is a log.
    #[serde(skip)]
    pub renamed: Vec<RenamedKey>,
}

impl Settings {
    /// The values that contradict each other.
    fn contradictions(&self) -> impl Iterator<Item = SettingsError> + use<> {
        let checks = [
            self.registration.check(),
            self.proof_of_work.check(),
            self.password.check(),
            self.code.check(),
            self.mail.check(),
            self.rabbitmq.check(),
            self.outbox.check(&self.postgres, &self.rabbitmq),
            self.events.check(),
            self.webhooks.check(),
            self.telemetry.check(),
        ];
        checks.into_iter().filter_map(Result::err)
    }
}
