//! Where settings come from and which source wins.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{
    Config, ConfigBuilder, ConfigError, Environment, File, FileFormat, Map, Source, Value,
};

use crate::{Settings, SettingsError, renamed};

/// The built-in defaults, which also document every setting.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Secrets that may be kept in a file of their own, named by the setting with `_file` appended.
pub(crate) const READ_FROM_FILE: [&str; 11] = [
    "code.key",
    "code.previous_keys",
    "postgres.url",
    "redis.url",
    "rabbitmq.url",
    "smtp.password",
    "registration.hook_token",
    "webhooks.url",
    "webhooks.secret",
    "product.token",
    "telemetry.otlp_headers",
];

/// The sources above the built-in defaults.
#[derive(Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: HashMap<String, String>,
    overrides: Vec<(&'static str, String)>,
}

impl Sources {
    /// The file named by `--config` or else by `REGISTRATION_CONFIG`, and the environment of the
    /// process.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self {
            file: file.or_else(|| std::env::var_os("REGISTRATION_CONFIG").map(PathBuf::from)),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            overrides: Vec::new(),
        }
    }

    /// One file and nothing else.
    #[cfg(test)]
    pub(crate) fn of_file(path: &Path) -> Self {
        Self { file: Some(path.to_owned()), ..Self::default() }
    }

    /// This environment and nothing else.
    #[cfg(test)]
    pub(crate) fn of_environment(environment: HashMap<String, String>) -> Self {
        Self { environment, ..Self::default() }
    }

    /// A value that wins over every other source: what a command-line flag says.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: &impl ToString) -> Self {
        self.overrides.push((key, value.to_string()));
        self
    }

    /// Reads the settings.
    pub fn load(self) -> Result<Settings, SettingsError> {
        let mut given = self.given()?;
        let renamed = renamed::move_to_new_names(&mut given)?;
        let mut builder = over_defaults(given);
        for key in READ_FROM_FILE {
            if let Some(secret) = read_secret_file(&builder, key)? {
                builder = builder.set_override(key, secret)?;
            }
        }
        let mut settings: Settings = builder.build()?.try_deserialize()?;
        settings.renamed = renamed;
        settings.contradictions().next().map_or(Ok(settings), Err)
    }

    /// What was set, without the defaults.
    pub(crate) fn given(self) -> Result<Map<String, Value>, SettingsError> {
        let file = self.file.clone().unwrap_or_default();
        self.collect().map_err(|error| match error {
            ConfigError::FileParse { cause, .. } => SettingsError::Malformed {
                file: file.display().to_string(),
                place: cause.to_string().lines().next().unwrap_or_default().to_owned(),
            },
            other => SettingsError::Unreadable(other),
        })
    }

    fn collect(self) -> Result<Map<String, Value>, ConfigError> {
        let mut builder = Config::builder();
        if let Some(file) = &self.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        builder = builder.add_source(
            Environment::with_prefix("REGISTRATION")
                .prefix_separator("__")
                .separator("__")
                .ignore_empty(true)
                .source(Some(self.environment)),
        );
        for (key, value) in self.overrides {
            builder = builder.set_override(key, value)?;
        }
        builder.build()?.collect()
    }
}

/// Sections and their keys, as a source.
#[derive(Debug, Clone)]
struct Given(Map<String, Value>);

impl Source for Given {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// What was set, with the defaults below.
pub(crate) fn over_defaults(given: Map<String, Value>) -> ConfigBuilder<DefaultState> {
    let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
    Config::builder().add_source(defaults).add_source(Given(given))
}

/// The secret that a file of its own holds, if one is named.
pub(crate) fn read_secret_file(
    builder: &ConfigBuilder<DefaultState>,
    key: &str,
) -> Result<Option<String>, ConfigError> {
    let so_far = builder.build_cloned()?;
    let path = so_far.get_string(&format!("{key}_file"))?;
    if path.is_empty() {
        return Ok(None);
    }
    if !so_far.get_string(key)?.is_empty() {
        return Err(ConfigError::Message(format!(
            "{key} and {key}_file are both set; set one of them"
        )));
    }
    let text = std::fs::read_to_string(Path::new(&path)).map_err(|error| {
        ConfigError::Message(format!("setting {key}_file names {path}: {error}"))
    })?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::ValueKind;
    use secrecy::ExposeSecret;
    use std::io::Write;
    use std::time::Duration;

    fn load(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Sources { environment, ..Sources::default() }.load()
    }

    fn smtp_password(environment: &[(&str, &str)]) -> String {
        let settings =
            load(&[&[("REGISTRATION__SMTP__USERNAME", "me")], environment].concat()).unwrap();
        settings.smtp.credentials().unwrap().unwrap().1.expose_secret().to_owned()
    }

    fn refusal(environment: &[(&str, &str)]) -> String {
        load(environment).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_complete() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.code.window, Duration::from_mins(1));
        assert_eq!(settings.rabbitmq.retry_delays(), [1, 5, 30, 120, 600].map(Duration::from_secs));
        assert!(settings.renamed.is_empty());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(file, "[code]\ndigits = 6\nattempts = 3").unwrap();
        let sources = Sources {
            file: Some(file.path().to_owned()),
            environment: [("REGISTRATION__CODE__ATTEMPTS".to_owned(), "4".to_owned())].into(),
            ..Sources::default()
        };
        let settings = sources.load().unwrap();
        assert_eq!((settings.code.length.digits(), settings.code.attempts.get()), (6, 4));
        assert_eq!(settings.code.window, Duration::from_mins(1));
    }

    #[test]
    fn lists_are_written_with_commas() {
        let settings = load(&[
            ("REGISTRATION__HTTP__CORS_ORIGINS", "https://a.example, https://b.example"),
            ("REGISTRATION__RABBITMQ__RETRY_DELAYS", "1s, 2s"),
        ])
        .unwrap();
        assert_eq!(settings.http.cors_origins.0, ["https://a.example", "https://b.example"]);
        assert_eq!(settings.rabbitmq.retry_delays(), [1, 2].map(Duration::from_secs));
    }

    #[test]
    fn a_secret_that_looks_like_a_number_is_kept_as_written() {
        assert_eq!(smtp_password(&[("REGISTRATION__SMTP__PASSWORD", "0123")]), "0123");
    }

    #[test]
    fn secrets_are_read_from_files() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "hush").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(smtp_password(&[("REGISTRATION__SMTP__PASSWORD_FILE", path)]), "hush");
        assert!(refusal(&[("REGISTRATION__CODE__KEY_FILE", "/nowhere")]).contains("code.key_file"));
        let both = [
            ("REGISTRATION__SMTP__PASSWORD_FILE", path),
            ("REGISTRATION__SMTP__PASSWORD", "other"),
        ];
        assert!(refusal(&both).contains("smtp.password and smtp.password_file are both set"));
    }

    #[test]
    fn asvs_13_3_1_a_file_that_is_not_toml_is_not_repeated() {
        for line in ["key = hush-hush", "key = \"hush-hush", "key \"hush-hush\""] {
            let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
            writeln!(file, "[code]\n{line}").unwrap();
            let path = file.path().display().to_string();
            let sources = Sources { file: Some(path.clone().into()), ..Sources::default() };
            let message = sources.load().map(drop).unwrap_err().to_string();
            assert!(message.contains(&path) && message.contains("line 2"), "{message}");
            assert!(!message.contains("hush") && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (variable, value, named) in [
            ("REGISTRATION__CODE__WINDOW", "soon", "code.window"),
            ("REGISTRATION__CODE__WINDOW", "60", "\"30s\""),
            ("REGISTRATION__CODE__DIGITS", "9", "code.digits"),
            ("REGISTRATION__METRICS__LISTEN", "9464", "metrics.listen"),
            ("REGISTRATION__RABBITMQ__RETRY_DELAYS", "1s,5", "rabbitmq.retry_delays"),
            ("REGISTRATION__SMTP__TLS", "maybe", "smtp.tls"),
            ("REGISTRATION__LIMITS__RESEND_PER_ADDRESS", "many", "limits.resend_per_address"),
            ("REGISTRATION__LIMITS__MAILS_PER_MAILBOX", "6/1h, 0/1d", "limits.mails_per_mailbox"),
            ("REGISTRATION__HTTP__LISTEN", "everywhere", "http.listen"),
            ("REGISTRATION__CODE__LENGHT", "4", "lenght"),
            ("REGISTRATION__CDOE__DIGITS", "4", "cdoe"),
        ] {
            let message = refusal(&[(variable, value)]);
            assert!(message.contains(named), "{variable}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn old_names_are_read_once_more_and_reported() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        writeln!(
            file,
            "[rabbitmq]\nretry_delays_seconds = [2, 4]\n[registration]\npurge_after_days = 2"
        )
        .unwrap();
        let environment = [
            ("REGISTRATION__CODE__WINDOW_SECONDS".to_owned(), "90".to_owned()),
            ("REGISTRATION__SMTP__TIMEOUT_MS".to_owned(), "1500".to_owned()),
            ("REGISTRATION__MAIL__PRODUCT".to_owned(), "Alice, Bob".to_owned()),
        ];
        let file = Some(file.path().to_owned());
        let settings =
            Sources { file, environment: environment.into(), ..Sources::default() }.load().unwrap();
        assert_eq!(settings.code.window, Duration::from_secs(90));
        assert_eq!(settings.smtp.timeout, Duration::from_millis(1500));
        assert_eq!(settings.mail.product_name, "Alice, Bob");
        assert_eq!(settings.registration.purge_after, Duration::from_hours(48));
        assert_eq!(settings.rabbitmq.retry_delays(), [2, 4].map(Duration::from_secs));
        let mut names: Vec<_> = settings.renamed.iter().map(|key| (key.old, key.new)).collect();
        names.sort_unstable();
        let expected = [
            ("code.window_seconds", "code.window"),
            ("mail.product", "mail.product_name"),
            ("rabbitmq.retry_delays_seconds", "rabbitmq.retry_delays"),
            ("registration.purge_after_days", "registration.purge_after"),
            ("smtp.timeout_ms", "smtp.timeout"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_old_name_beside_its_new_one_is_refused() {
        let message = refusal(&[
            ("REGISTRATION__CODE__WINDOW_SECONDS", "90"),
            ("REGISTRATION__CODE__WINDOW", "90s"),
        ]);
        assert!(
            message.contains("code.window_seconds") && message.contains("code.window,"),
            "{message}"
        );
        let message = refusal(&[("REGISTRATION__OUTBOX__POLL_INTERVAL_MS", "soon")]);
        assert!(message.contains("outbox.poll_interval"), "{message}");
    }

    /// Every number and every duration, set to nothing.
    #[test]
    fn zero_is_refused_by_name_or_means_what_the_defaults_say() {
        // One thread per core, no waiting for a thread, no length at all for nobody's password.
        let allowed = ["http.workers", "hashing.threads", "hashing.queue"];
        let defaults = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        for (section, table) in defaults.build().unwrap().collect().unwrap() {
            for (key, value) in table.into_table().unwrap() {
                let zero = match value.kind {
                    ValueKind::I64(_) => "0",
                    ValueKind::String(text) if crate::duration::parse(&text).is_ok() => "0s",
                    _ => continue,
                };
                let name = format!("{section}.{key}");
                let variable = format!("REGISTRATION__{}", name.to_uppercase().replace('.', "__"));
                let outcome = load(&[(&variable, zero)]).map(drop);
                match outcome {
                    Ok(()) => assert!(allowed.contains(&&*name), "{name} = {zero} is accepted"),
                    Err(error) => assert!(error.to_string().contains(&key), "{name}: {error}"),
                }
            }
        }
    }
}
