//! What the services need from the outside world. Each port has one contract suite that every
//! implementation passes; the docs here describe what the suites check.

mod accounts;
mod breached_passwords;
mod budget;
mod code_store;
mod dead_letters;
mod event_bus;
mod id_source;
mod mailer;
mod outbox;
mod outbox_status;
mod password_hasher;
mod rate_limiter;
mod registration_hook;
mod source;
mod suppressions;
mod user_repository;

pub use accounts::Accounts;
pub use breached_passwords::{BreachCheckError, BreachedPasswords};
pub use budget::{Allowance, Budget, BudgetError, BudgetKey, BudgetKind, Spending};
pub use code_store::{
    Attempt, CODE_STORE_MEMORY, CodeStore, CodeStoreError, Consumption, MailKey, MailState,
    NewWindow, Opening, SendingLease,
};
pub use dead_letters::{
    DeadLetter, DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor,
    DeadLetters,
};
pub use event_bus::{EventHandler, EventPublisher, HandleError, PublishError};
pub use id_source::IdSource;
pub use mailer::{Mail, MailError, Mailer};
pub use outbox::{HandedOver, Outbox, OutboxEntry, OutboxError, Recorded};
pub use outbox_status::{OutboxMonitor, OutboxStatus};
pub use password_hasher::{HashError, PasswordHasher, Verification};
pub use rate_limiter::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};
pub use registration_hook::{HookDecision, HookError, RegistrationHook};
pub use source::Source;
pub use suppressions::{Suppression, Suppressions};
pub use user_repository::{
    ClaimError, PurgeAges, Purged, RepositoryError, SaveError, UserRepository,
};
