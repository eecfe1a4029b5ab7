//! Scenarios that must be over before a short window ends, on a machine that may stall in between.

use std::time::Duration;

use super::Journey;
use crate::account::Account;
use crate::http::Reply;

/// How often a scenario may be too late.
const MAX_TRIES: usize = 5;

/// The window had ended before the answer came, so the answer says nothing about the system.
#[derive(Debug)]
pub struct TooLate;

/// Repeats a scenario until it is over within its window. Any other failure in it fails the test at
/// once.
pub async fn within_window(scenario: impl AsyncFn() -> Result<(), TooLate>) {
    for _ in 0..MAX_TRIES {
        if scenario().await.is_ok() {
            return;
        }
    }
    panic!("the machine was too slow {MAX_TRIES} times");
}

impl Journey {
    /// How long ago the inbox got the last mail to an account. The window did not start earlier.
    pub fn age_of_mail(&self, account: &Account) -> Duration {
        self.system.smtp.deliveries(&account.email).last().expect("a mail").at.elapsed()
    }

    /// Asserts the status of an answer within the window of the account's last mail. Another status
    /// is accepted as too late only if the end of the window explains it, and only if `window` has
    /// really passed.
    #[track_caller]
    pub fn expect_within(
        &self,
        window: Duration,
        account: &Account,
        reply: &Reply,
        status: u16,
    ) -> Result<(), TooLate> {
        // The code has expired, or the address has become free.
        let is_late = [410, 201].contains(&reply.status) && self.age_of_mail(account) >= window;
        if reply.status != status && is_late {
            return Err(TooLate);
        }
        reply.expect_status(status);
        Ok(())
    }
}
