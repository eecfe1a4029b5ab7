//! The range API of Have I Been Pwned's Pwned Passwords.
//!
//! Only the first five of forty digits of the password's SHA-1 leave the process (k-anonymity), and
//! the answer is padded, so that its size tells an observer nothing.

mod options;
mod pwned_passwords;

pub use options::HibpOptions;
pub use pwned_passwords::{PwnedPasswords, RangeError};
