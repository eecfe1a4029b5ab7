//! Whether the collector takes spans. It is sent a request without any.

use domain::{ErrorChain, Finding};

use super::collector::Collector;
use super::options::OtlpOptions;

const CHECK: &str = "telemetry.collector";

/// Sends an empty request and says what is so.
pub async fn diagnose(options: OtlpOptions) -> Vec<Finding> {
    let collector = match Collector::new(&options) {
        Ok(collector) => collector,
        Err(error) => {
            let problem = format!("spans cannot be sent: {error}");
            return vec![Finding::error(CHECK, problem, "correct the section telemetry")];
        }
    };
    vec![match collector.send(Vec::new()).await {
        Ok(_) => Finding::ok(CHECK, "the collector takes spans"),
        Err(error) => Finding::warning(
            CHECK,
            ErrorChain(&error).to_string(),
            "check telemetry.otlp_endpoint and telemetry.otlp_headers; until then spans are lost",
        ),
    }]
}
