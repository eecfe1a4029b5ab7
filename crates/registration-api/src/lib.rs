//! x
mod error_chain;
pub mod password_policy;
