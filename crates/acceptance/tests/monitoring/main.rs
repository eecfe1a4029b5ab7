//! What operators see, in a real Prometheus: the alerts and the dashboard of `deploy`, on a running
//! deployment.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod charts;
mod dashboard;
mod outages;
mod pictures;
mod probes;
mod queries;
mod rules;
mod scrapes;
