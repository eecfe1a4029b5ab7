//! The commands with which an operator looks into the outbox.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Subcommand;
use domain::ports::{OutboxMonitor, OutboxStatus};
use serde::Serialize;

use crate::error::StartError;
use crate::output::write_output;

/// What to know about it.
#[derive(Debug, Clone, Subcommand)]
pub enum OutboxCommand {
    /// Say how many events are in it, and in which state.
    Status {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// The names are part of the interface.
#[derive(Serialize)]
struct Json<'a> {
    depth: u64,
    oldest_age_seconds: Option<f64>,
    leased: u64,
    buried: u64,
    unknown: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<Box<Json<'a>>>,
}

impl<'a> From<&'a OutboxStatus> for Json<'a> {
    fn from(status: &'a OutboxStatus) -> Self {
        Self {
            depth: status.depth,
            oldest_age_seconds: status.oldest_age.map(|age| age.as_secs_f64()),
            leased: status.leased,
            buried: status.buried,
            unknown: &status.unknown,
            webhook: None,
        }
    }
}

impl OutboxCommand {
    /// Does it, on standard output.
    pub async fn run(
        self,
        outbox: &impl OutboxMonitor,
        webhook: &impl OutboxMonitor,
    ) -> Result<(), StartError> {
        let Self::Status { json } = self;
        let status = outbox.status().await.map_err(StartError::failed)?;
        let webhook = webhook.status().await.map_err(StartError::failed)?;
        write_output(&if json {
            as_json(&status, &webhook)
        } else {
            format!("{}\nof the webhook:\n{}", as_text(&status), as_text(&webhook))
        })
    }
}

fn as_json(status: &OutboxStatus, webhook: &OutboxStatus) -> String {
    let json = Json { webhook: Some(Box::new(webhook.into())), ..status.into() };
    format!("{}\n", serde_json::json!(json))
}

fn as_text(status: &OutboxStatus) -> String {
    let oldest = status.oldest_age.map_or("-".into(), |age| {
        humantime::format_duration(Duration::from_secs(age.as_secs())).to_string()
    });
    let unknown: Vec<String> =
        status.unknown.iter().map(|(kind, count)| format!("{count} {kind:?}")).collect();
    let unknown = if unknown.is_empty() { "0".into() } else { unknown.join(", ") };
    format!(
        "depth:       {} (events that wait for their delivery)\n\
         oldest age:  {oldest}\n\
         leased:      {} (of those: claimed by a relay, or deferred after a failure)\n\
         buried:      {} (see `dead-letters list`)\n\
         unknown:     {unknown} (types that wait for a newer version)\n",
        status.depth, status.leased, status.buried,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> OutboxStatus {
        OutboxStatus {
            depth: 3,
            oldest_age: Some(Duration::from_millis(125_500)),
            leased: 1,
            buried: 2,
            unknown: [("user.of_the_future".to_owned(), 4)].into(),
        }
    }

    #[test]
    fn everything_is_said_in_text_and_in_json() {
        let text = as_text(&status());
        for part in ["depth:       3 ", "2m 5s", "leased:      1 ", "buried:      2 "] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("4 \"user.of_the_future\""), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&as_json(&status(), &OutboxStatus::default())).unwrap();
        let expected = serde_json::json!({
            "depth": 3,
            "oldest_age_seconds": 125.5,
            "leased": 1,
            "buried": 2,
            "unknown": { "user.of_the_future": 4 },
            "webhook": {
                "depth": 0,
                "oldest_age_seconds": null,
                "leased": 0,
                "buried": 0,
                "unknown": {},
            },
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn an_empty_outbox_has_no_age() {
        let status = OutboxStatus::default();
        assert!(as_text(&status).contains("oldest age:  -\n"));
        assert!(as_json(&status, &status).contains(r#""oldest_age_seconds":null"#));
    }
}
