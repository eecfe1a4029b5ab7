//! What the services need from the outside world. Each port has one contract suite that every
//! implementation passes; the docs here describe what the suites check.

mod breached_passwords;
mod budget;
mod code_store;
mod event_bus;
mod id_source;
mod mailer;
mod outbox;
mod password_hasher;
mod rate_limiter;
mod source;
mod user_repository;

pub use breached_passwords::{BreachCheckError, BreachedPasswords};
pub use budget::{Allowance, Budget, BudgetError, BudgetKey, BudgetKind, Spending};
pub use code_store::{Attempt, CodeStore, CodeStoreError, Consumption, Opening, SendingLease};
pub use event_bus::{
    DeadLetter, DeadLetterError, DeadLetters, EventHandler, EventPublisher, HandleError,
    PublishError,
};
pub use id_source::IdSource;
pub use mailer::{Mail, MailError, Mailer};
pub use outbox::{HandedOver, Outbox, OutboxEntry, OutboxError, Recorded};
pub use password_hasher::{HashError, PasswordHasher, Verification};
pub use rate_limiter::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};
pub use source::Source;
pub use user_repository::{
    ClaimError, PurgeAges, Purged, RepositoryError, SaveError, UserRepository,
};
