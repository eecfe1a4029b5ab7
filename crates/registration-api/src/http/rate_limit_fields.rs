//! The fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): how much
//! of each limit is left, so that a client can slow down before it is refused.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use domain::ports::LimitOutcome;

use super::problem::whole_seconds;
use super::state::AppState;
use crate::limits::{LimitCheck, LimitScope, RequestLimits};
use crate::use_cases::ExistingAccount;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Middleware: adds [`RequestLimits`] to the request, and the outcome of its checks to the answer.
pub(crate) async fn add_rate_limit_fields<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(state) = request.app_data::<Data<AppState>>().cloned() else {
        return next.call(request).await;
    };
    let client = state.options.trusted_proxies.find_client(request.request());
    let limits = RequestLimits::new(state.limits.clone(), client);
    request.extensions_mut().insert(limits.clone());
    let mut response = next.call(request).await?;
    let mut checks = limits.checks();
    checks.retain(|check| is_public(check, state.options.existing_account));
    for (name, write) in
        [(RATE_LIMIT_POLICY, write_policy as fn(&_) -> _), (RATE_LIMIT, write_state)]
    {
        let items: Vec<String> = checks.iter().map(write).collect();
        if let Ok(value) = HeaderValue::from_str(&items.join(", "))
            && !value.is_empty()
        {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Whether the client may see the outcome of a check. What is left for an address reveals whether
/// somebody else has used it recently, so conceal mode leaves it out unless the request is refused
/// for it. What is left for an account reveals that the password is right.
fn is_public(check: &LimitCheck, existing_account: ExistingAccount) -> bool {
    let is_refused = matches!(check.outcome, LimitOutcome::Refused { .. });
    match check.scope {
        LimitScope::Client => true,
        LimitScope::Address => is_refused || existing_account == ExistingAccount::Reveal,
        LimitScope::Account => is_refused && existing_account == ExistingAccount::Reveal,
    }
}

fn write_policy(check: &LimitCheck) -> String {
    let LimitCheck { policy, quota, .. } = check;
    format!("\"{policy}\";q={};w={}", quota.burst, whole_seconds(quota.period))
}

fn write_state(check: &LimitCheck) -> String {
    let (remaining, reset_after) = match check.outcome {
        LimitOutcome::Allowed { remaining, reset_after } => (remaining, reset_after),
        LimitOutcome::Refused { retry_after, reset_after } => (0, reset_after.max(retry_after)),
    };
    format!("\"{}\";r={remaining};t={}", check.policy, whole_seconds(reset_after))
}
