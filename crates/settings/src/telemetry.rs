//! `[telemetry]`: where traces go.
#![expect(missing_docs, reason = "said once, in defaults.toml")]

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::SettingsError;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    pub otlp_endpoint: String,
    otlp_headers: SecretString,
    #[serde(rename = "otlp_headers_file")]
    _otlp_headers_file: String,
    pub sample_ratio: f64,
}

impl TelemetrySettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            let problem = format!("is {}: it must be from 0 to 1", self.sample_ratio);
            return Err(SettingsError::invalid("telemetry.sample_ratio", problem));
        }
        if self.otlp_endpoint.is_empty() && !self.otlp_headers.expose_secret().is_empty() {
            let problem = "is set, but there is no collector: set telemetry.otlp_endpoint too";
            return Err(SettingsError::invalid("telemetry.otlp_headers", problem));
        }
        Ok(())
    }

    /// Where the traces of this service, of this version, go, if there is a collector.
    #[cfg(feature = "otlp")]
    pub fn options(
        &self,
        service: &'static str,
        version: &'static str,
    ) -> Option<adapters::otlp::OtlpOptions> {
        let headers = self.otlp_headers.expose_secret().split([',', '\r', '\n']).map(str::trim);
        (!self.otlp_endpoint.is_empty()).then(|| adapters::otlp::OtlpOptions {
            endpoint: self.otlp_endpoint.clone(),
            headers: headers.filter(|text| !text.is_empty()).map(SecretString::from).collect(),
            sample_ratio: self.sample_ratio,
            service,
            version,
        })
    }

    /// Starts to send traces there, if there is a collector. Must be called within a tokio runtime,
    /// and once.
    #[cfg(feature = "otlp")]
    pub fn start_traces(
        &self,
        service: &'static str,
        version: &'static str,
    ) -> Result<adapters::otlp::Traces, SettingsError> {
        match self.options(service, version) {
            Some(options) => Ok(adapters::otlp::Traces::start(&options)?),
            None => Ok(adapters::otlp::Traces::default()),
        }
    }
}

#[cfg(feature = "otlp")]
impl From<adapters::otlp::OtlpOptionsError> for SettingsError {
    fn from(error: adapters::otlp::OtlpOptionsError) -> Self {
        let key = match error {
            adapters::otlp::OtlpOptionsError::Header(_) => "telemetry.otlp_headers",
            _ => "telemetry.otlp_endpoint",
        };
        Self::refused(key, &error)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Settings, SettingsError, Sources};

    fn load(settings: &[(&'static str, &str)]) -> Result<Settings, SettingsError> {
        let add = |sources: Sources, (key, value): &(&'static str, &str)| sources.with(key, value);
        settings.iter().fold(Sources::default(), add).load()
    }

    #[test]
    fn nothing_is_sent_by_default() {
        let telemetry = load(&[]).unwrap().telemetry;
        assert_eq!((telemetry.otlp_endpoint.as_str(), telemetry.sample_ratio), ("", 1.0));
    }

    #[test]
    fn a_share_is_from_0_to_1() {
        for ratio in ["0", "1", "0.25"] {
            assert!(load(&[("telemetry.sample_ratio", ratio)]).is_ok(), "{ratio}");
        }
        for ratio in ["-0.1", "1.5", "NaN", "half"] {
            let message = load(&[("telemetry.sample_ratio", ratio)]).unwrap_err().to_string();
            assert!(message.contains("sample_ratio") && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn asvs_13_3_1_headers_are_not_shown_and_need_a_collector() {
        let headers = ("telemetry.otlp_headers", "authorization=hush");
        let message = load(&[headers]).unwrap_err().to_string();
        assert!(message.contains("telemetry.otlp_endpoint") && !message.contains("hush"));
        let settings = load(&[headers, ("telemetry.otlp_endpoint", "http://collector:4318")]);
        assert!(!format!("{:?}", settings.unwrap()).contains("hush"));
    }

    #[cfg(feature = "otlp")]
    #[tokio::test]
    async fn what_cannot_be_used_is_refused_by_name() {
        let start = |settings: &[(&'static str, &str)]| {
            load(settings).unwrap().telemetry.start_traces("test", "1").err().unwrap().to_string()
        };
        let message = start(&[("telemetry.otlp_endpoint", "collector:4318")]);
        let named = "telemetry.otlp_endpoint (REGISTRATION__TELEMETRY__OTLP_ENDPOINT)";
        assert!(message.contains(named) && message.contains("http://collector:4318"), "{message}");
        let headers = ("telemetry.otlp_headers", "a=b\nhush");
        let message = start(&[("telemetry.otlp_endpoint", "http://collector:4318"), headers]);
        assert!(message.contains("telemetry.otlp_headers") && message.contains("header 2"));
        assert!(!message.contains("hush"), "{message}");
    }
}
