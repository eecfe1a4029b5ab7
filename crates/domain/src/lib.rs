//! What a registration is: addresses, passwords, codes, the resulting account and the events it
//! records, and the ports to the outside world.
//!
//! Knows no I/O, no serialisation and no framework. Adapters implement [`ports`]; to add one, write
//! a module in `crates/adapters` and run the port's contract suite (`crates/adapters/tests`) on it.

mod account;
mod code;
mod code_keys;
mod email_address;
mod error_chain;
mod event;
mod finding;
mod languages;
mod mail_domains;
mod password;
mod proof_of_work;
mod submitted_code;
mod trace_parent;
mod user;
mod user_id;

pub mod ports;

pub use account::{Account, AccountRecord};
pub use code::{
    CodeIssue, CodeKey, CodeKeyError, CodeKeyId, CodeLength, CodeLengthError, VerificationCode,
};
pub use code_keys::{CodeKeys, Derivation, DerivationError, UnknownCodeKey};
pub use email_address::{EmailAddress, EmailAddressError};
pub use error_chain::ErrorChain;
pub use event::{Event, EventId, UserEvent, UserEventError};
pub use finding::{Finding, Severity};
pub use languages::{LanguageTag, LanguageTagError, Languages};
pub use mail_domains::{MailDomainError, MailDomains};
pub use password::{Password, PasswordError, PasswordHash, PasswordLength};
pub use proof_of_work::{Challenge, Solution, SolutionError};
pub use submitted_code::{SubmittedCode, SubmittedCodeError};
pub use trace_parent::{TraceParent, TraceParentError};
pub use user::{AlreadyActive, User, UserStatus};
pub use user_id::UserId;
