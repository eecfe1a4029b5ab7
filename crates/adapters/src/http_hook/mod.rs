//! The registration hook over HTTP: `POST {"email", "client"}`, answered by `{"allow": true}` or
//! `{"allow": false}`.

mod hook;
mod options;

pub use hook::{HttpHook, HttpHookError};
pub use options::HttpHookOptions;
