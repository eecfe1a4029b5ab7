//! How many requests are allowed per client and per mail address, and how many mails per mailbox.
//!
//! Checked before any password is hashed (OWASP ASVS 2.4.1, 6.3.1); mails are counted before the
//! claim that causes them. An outage of the counters must never turn users away: then the fallback
//! counts, and without one the request passes.

mod charges;
mod client_counting;
mod client_networks;
mod counting;
mod exceeded;
mod passwords;
mod quotas;
mod request_limits;

pub use charges::Spent;
pub use counting::{Counters, Limits};
pub use exceeded::LimitExceeded;
pub use quotas::{Action, ActionQuotas, Quotas};
pub use request_limits::{LimitCheck, LimitScope, RequestLimits};
