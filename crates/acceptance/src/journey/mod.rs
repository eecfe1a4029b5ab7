//! Runs a test on both deployments, checks that it covers the endpoints it claims to cover, and
//! prints the system's logs when it fails.

mod window;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures::FutureExt;

use crate::account::Account;
use crate::environment::runtime;
use crate::http::Client;
use crate::mail::{Mail, Mailbox};
use crate::system::{Deployment, Setup, System};

pub use window::{TooLate, within_window};

/// The tests of a file, each with the `METHOD path status` that it covers.
pub type Coverage = &'static [(&'static str, &'static [&'static str])];

/// What a test works with.
pub struct Journey {
    /// The system under test.
    pub system: Arc<System>,
    /// A client of its API.
    pub api: Client,
    /// The mails that it has sent.
    pub mailbox: Mailbox,
}

impl Journey {
    /// Registers an account and waits for its mail.
    pub async fn registered(&self) -> (Account, Mail) {
        let account = Account::new();
        self.api.register(&account).await.expect_status(201);
        let mail = self.mailbox.first(&account.email).await;
        (account, mail)
    }

    /// Registers and activates an account.
    pub async fn activated(&self) -> Account {
        let (account, mail) = self.registered().await;
        self.api.activate(&account, &mail.code()).await.expect_status(200);
        account
    }

    /// Waits until everything accepted so far has been dealt with: a mail that is requested now has
    /// arrived.
    pub async fn everything_settled(&self) {
        self.registered().await;
    }

    fn assert_covered(&self, claims: &[&str]) {
        let seen = self.api.seen();
        for claim in claims {
            assert!(
                seen.contains(*claim),
                "{claim} is claimed to be covered, but was not seen in {seen:#?}"
            );
        }
    }
}

/// Runs a test on a system with its setup.
pub fn run(
    deployment: Deployment,
    setup: &Setup,
    claims: &[&str],
    test: impl AsyncFnOnce(&Journey),
) {
    runtime().block_on(async {
        let system = match setup.shared_name() {
            Some(name) => System::shared(deployment, name, setup).await,
            None => Arc::new(System::start(deployment, setup).await),
        };
        let journey = Journey { api: system.client(), mailbox: system.mailbox.clone(), system };
        let log_lengths = match setup.shared_name() {
            Some(_) => journey.system.log_lengths(),
            None => vec![0; 2],
        };
        let outcome = AssertUnwindSafe(async {
            test(&journey).await;
            journey.assert_covered(claims);
            journey.system.assert_logs_are_clean_since(&log_lengths);
        })
        .catch_unwind()
        .await;
        if outcome.is_err() {
            journey.system.print_logs_since(&log_lengths);
        }
        if setup.shared_name().is_none() {
            journey.system.shut_down().await;
        }
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Declares the tests of a file: `name: setup, [what it covers];`, each an `async fn
/// name(&Journey)`. `both` runs them on both deployments, `distributed` and `standalone` on that
/// one only. The list of what they cover becomes the file's `COVERAGE`.
#[macro_export]
macro_rules! journeys {
    (both $tests:tt) => {
        $crate::journeys!(@coverage $tests);
        $crate::journeys!(@on distributed Distributed $tests);
        $crate::journeys!(@on standalone Standalone $tests);
    };
    (distributed $tests:tt) => {
        $crate::journeys!(@coverage $tests);
        $crate::journeys!(@on distributed Distributed $tests);
    };
    (standalone $tests:tt) => {
        $crate::journeys!(@coverage $tests);
        $crate::journeys!(@on standalone Standalone $tests);
    };
    (@coverage { $($name:ident: $setup:expr, [$($claim:literal),* $(,)?];)* }) => {
        pub const COVERAGE: $crate::Coverage = &[$((stringify!($name), &[$($claim),*])),*];
    };
    (@on $module:ident $deployment:ident { $($name:ident: $setup:expr, [$($claim:literal),* $(,)?];)* }) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let deployment = $crate::Deployment::$deployment;
                    $crate::run(deployment, &$setup, &[$($claim),*], super::$name);
                }
            )*
        }
    };
}
