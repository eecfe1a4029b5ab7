//! Scenarios that have to be over before a short window ends, on a machine that may stall meanwhile.

use std::time::Duration;

use crate::account::Account;
use crate::http::Reply;
use crate::journey::Journey;

/// How often a scenario may come too late.
const TRIES: usize = 5;

/// The window had ended before the answer came: it says nothing about the system.
#[derive(Debug)]
pub struct TooLate;

/// Plays a scenario until it is in time. Whatever else goes wrong in it fails the test at once.
pub async fn in_time(scenario: impl AsyncFn() -> Result<(), TooLate>) {
    for _ in 0..TRIES {
        if scenario().await.is_ok() {
            return;
        }
    }
    panic!("the machine was too slow {TRIES} times");
}

impl Journey {
    /// How long ago the inbox got the last mail to an account. Its window has begun no earlier.
    pub fn age_of_mail(&self, account: &Account) -> Duration {
        self.system.smtp.deliveries(&account.email).last().expect("a mail").at.elapsed()
    }

    /// Asserts the status of an answer within the window of the account's last mail. Another one is excused
    /// only if it is what the end of the window makes of it, and only if `window` has really passed.
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
