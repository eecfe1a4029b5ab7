//! What an image says of where it comes from.

use serde_json::Value;

use crate::compose::checkout::{REVISION, SOURCE};
use crate::compose::docker::ASK_LIMIT;
use crate::compose::error::{ComposeError, require};
use crate::compose::trial::Trial;

/// Each image names its version, the commit and the repository that it was told.
pub(super) fn check(trial: &Trial) -> Result<(), ComposeError> {
    for image in ["registration-api:local", "email-worker:local"] {
        let inspect = ["image", "inspect", "--format={{json .Config.Labels}}", image];
        let said = trial.project.docker.read(&inspect, ASK_LIMIT, trial.interrupt)?;
        let labels: Value = serde_json::from_str(&said).unwrap_or_default();
        for (label, expected) in
            [("version", env!("CARGO_PKG_VERSION")), ("revision", REVISION), ("source", SOURCE)]
        {
            let value = &labels[format!("org.opencontainers.image.{label}")];
            require(value == expected, || {
                format!("the {label} of {image} is {value} instead of {expected}")
            })?;
        }
    }
    Ok(())
}
