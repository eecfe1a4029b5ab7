//! The product as its clients see it: over HTTP and SMTP, on real servers, in both deployments.
//!
//! One executable with a file per topic. The tests know the contract and not the code; a wrong
//! setting, a missing server or an error in a log fails them, and nothing is skipped.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod activation;
mod admission;
mod bad_input;
mod code_keys;
mod collector;
mod coverage;
mod crashes;
mod dead_letters;
mod doctor;
mod event_consumers;
mod expiry;
mod limits;
mod lost_logs;
mod mail_server_faults;
mod mails;
mod operator;
mod pages;
mod problems;
mod product;
mod races;
mod restore;
mod secrets;
mod security_canary;
mod security_guesses;
mod security_http;
mod security_limits;
mod security_mail;
mod security_mail_floods;
mod security_passwords;
mod security_retention;
mod security_sameness;
mod security_sequences;
mod server_faults;
mod startup;
mod traces;
mod unicode;
mod webhooks;
