//! How scenarios begin: with services that have worked before, and with what saturates them.

use std::time::Duration;

use super::context::Context;
use super::measurement::measure;
use crate::error::BenchError;
use crate::load::{Load, Pace};
use crate::system::{Deployment, Plan};

/// How many connections saturate the hash: enough that a hash is always waiting.
pub(super) const SATURATING: usize = 16;
/// Connections, caches and estimates are as they will be after so long.
const WARM_UP: Duration = Duration::from_secs(1);

/// The services as `plan` wants them, warm.
pub(super) fn start<'a>(context: &Context<'a>, plan: &Plan) -> Result<Deployment<'a>, BenchError> {
    let deployment = Deployment::start(plan, context.servers, context.sink, context.interrupt)?;
    let load = Load::register(SATURATING, Pace::AsAnswered, WARM_UP.min(context.duration));
    measure(context, &deployment, load)?;
    Ok(deployment)
}

/// Registrations per second at saturation: of this run's scenario, or measured now.
pub(super) fn saturation_rate(
    context: &mut Context<'_>,
    deployment: &Deployment<'_>,
) -> Result<f64, BenchError> {
    if let Some(rate) = context.saturation {
        return Ok(rate);
    }
    let load = Load::register(SATURATING, Pace::AsAnswered, context.duration);
    let rate = measure(context, deployment, load)?.rate();
    context.saturation = Some(rate);
    Ok(rate)
}
