//! The endpoints of the API, a file each.

pub(crate) mod activate;
pub(crate) mod health;
pub(crate) mod register;
pub(crate) mod resend_code;
