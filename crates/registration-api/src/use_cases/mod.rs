//! What the service does for its users: one module per operation, independent of HTTP.
//!
//! Each operation has its own error enum, which says what the user did wrong and which port failed.
//! No text in here may contain a password, a code or a full address.

mod activate;
mod authenticate;
mod event_envelopes;
mod register;
mod resend_code;

pub use activate::{Activate, ActivateError, Activated};
pub use authenticate::{AuthenticationError, Authenticator, Credentials};
pub use register::{ExistingAccount, Register, RegisterError, Registered};
pub use resend_code::{ResendCode, ResendCodeError};
