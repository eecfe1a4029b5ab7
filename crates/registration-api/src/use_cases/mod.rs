//! What the service does for its users: one module per operation, independent of HTTP.
//!
//! Each operation has its own error enum, which says what the user did wrong and which port failed.
//! No text in here may contain a password, a code or a full address.

mod activate;
mod activate_error;
mod authenticate;
mod concealment;
mod delete_user;
mod event_envelopes;
mod register;
mod resend_code;
mod verify_password;

pub use activate::{Activate, Activated};
pub use activate_error::ActivateError;
pub use authenticate::{AuthenticationError, Authenticator, Credentials};
pub use concealment::ExistingAccount;
pub use delete_user::DeleteUser;
pub use register::{Register, RegisterError, Registered, Registration};
pub use resend_code::{CodeResent, ResendCode, ResendCodeError};
pub use verify_password::{VerifyPassword, VerifyPasswordError};
