//! How many requests are allowed per client and per mail address.
//!
//! Checked before any password is hashed (OWASP ASVS 2.4.1, 6.3.1). An outage of the limiter must
//! never turn users away: then the fallback counts, and without one the request passes.

mod counting;
mod quotas;
mod request_limits;

pub use counting::Limits;
pub use quotas::{Action, ActionQuotas, Quotas};
pub use request_limits::{LimitCheck, LimitExceeded, LimitScope, RequestLimits};
