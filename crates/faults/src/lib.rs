//! Kill anything, lose nothing: breaks a running system on purpose, over and over, and judges by
//! what its clients were told and its mail server was sent.
//!
//! A [`schedule::Schedule`] says what is broken when; the [`evidence`] is all that is seen
//! meanwhile; the [`ledger::Ledger`] is the verdict.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a run ends at the first surprise that no rule is about"
)]

pub mod breaking;
pub mod clock;
pub mod evidence;
pub mod ledger;
pub mod load;
pub mod program;
pub mod receiver;
pub mod run;
pub mod schedule;
pub mod sink;
pub mod system;
