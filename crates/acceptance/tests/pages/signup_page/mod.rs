//! The sign-up page as people use it.

mod accessibility;
mod failures;
mod journey;
mod visitor;
