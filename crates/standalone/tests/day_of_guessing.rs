//! An attacker who never rests: for a day and some hours of simulated time, codes of one address
//! are asked for by resends and by claiming it anew, and each is guessed fifty times at once.
//!
//! Everything is wired as in the standalone system, but for the limits, which are off: what holds
//! the attacker is the budget alone (OWASP ASVS 6.3.1, 6.6.3).
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use adapters::argon2id::{Argon2idOptions, HashPool};
use adapters::hand_over::HandOver;
use adapters::in_process::{InProcessBudget, InProcessCodeStore, InProcessRateLimiter};
use adapters::sqlite::{self, SqliteUserRepository};
use adapters::system_ids::SystemIds;
use domain::ports::{Allowance, IdSource, MailState, NewWindow, UserRepository};
use domain::{
    CodeKey, CodeKeys, CodeLength, EmailAddress, Languages, Password, PasswordLength,
    SubmittedCode, TraceParent, User,
};
use futures::future::join_all;
use registration_api::admission::{Admission, DomainRules};
use registration_api::limits::{Counters, Limits, Quotas, RequestLimits};
use registration_api::password_policy::PasswordPolicy;
use registration_api::use_cases::{
    Activate, ActivateError, Authenticator, Credentials, ExistingAccount, Register, Registration,
    ResendCode,
};
use test_support::CODE_KEY;
use tokio::time::Instant;

const ADDRESS: &str = "ada@example.com";
const AT_ONCE: usize = 50;
const WINDOW: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const BUDGET: Allowance = Allowance { amount: 20, period: DAY };

struct System {
    register: Register,
    limits: RequestLimits,
    resend_code: ResendCode,
    activate: Activate,
    _data: tempfile::TempDir,
}

#[tokio::test]
async fn asvs_6_3_1_in_no_day_are_more_than_twenty_guesses_compared() {
    let system = System::start().await;
    // Time passes only as the test says, even while all wait for a hash or the database.
    tokio::time::pause();
    let busy = tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let began = Instant::now();
    let mut compared = Vec::new();
    for hour in 0..28 {
        // The first code of each claim, and two further ones.
        let password = format!("correct horse battery {hour}");
        system.claim(&password).await;
        for _ in 0..3 {
            for _ in 0..system.guesses_compared(&password).await {
                compared.push(began.elapsed());
            }
            tokio::time::advance(Duration::from_mins(20)).await;
            system
                .resend_code
                .execute(&credentials(&password), Languages::default(), trace(), &system.limits)
                .await
                .unwrap();
        }
    }
    busy.abort();
    let on_day_one = compared.iter().filter(|at| **at < DAY).count();
    assert_eq!(on_day_one, 20, "the attacker gets the whole budget: {compared:?}");
    assert!(compared.len() > 20, "the budget comes back: {compared:?}");
    for guesses in compared.windows(21) {
        assert!(guesses[20] >= guesses[0] + DAY, "21 guesses within a day: {guesses:?}");
    }
}

impl System {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = sqlite::SqliteOptions {
            path: data.path().join("users.db"),
            busy_timeout: Duration::from_secs(5),
        };
        let database = sqlite::open(options).await.unwrap();
        let users = Arc::new(SqliteUserRepository::new(database, HandOver::to_nobody()));
        let hashing = Argon2idOptions {
            memory_kib: 64,
            iterations: 1,
            threads: 1,
            queue: 2 * AT_ONCE,
            deadline: Duration::from_mins(1),
        };
        let hasher = Arc::new(HashPool::start(&hashing).unwrap());
        let ids = Arc::new(SystemIds);
        let budget = Arc::new(InProcessBudget::new());
        let counters =
            Counters { limiter: Arc::new(InProcessRateLimiter::new()), budget: budget.clone() };
        let limits = Arc::new(Limits::new(Quotas::default(), counters, None));
        let authenticator = Authenticator { users: users.clone(), hasher: hasher.clone() };
        let passwords =
            PasswordPolicy { refuse_common: true, breached: None, breach_fail_open: true };
        let existing_account = ExistingAccount::Reveal;
        let activate = Activate {
            authenticator: authenticator.clone(),
            codes: Arc::new(InProcessCodeStore::new()),
            guesses: budget,
            guess_allowance: BUDGET,
            code_keys: Arc::new(CodeKeys::new(CodeKey::from_hex(CODE_KEY).unwrap(), Vec::new())),
            code_length: CodeLength::new(4).unwrap(),
            ids: ids.clone(),
            existing_account,
        };
        let resend_code = ResendCode { authenticator, ids: ids.clone(), existing_account };
        let admission =
            Admission { domains: DomainRules::default(), hook: None, hook_fail_open: false };
        let register = Register { users, hasher, ids, passwords, admission, existing_account };
        Self {
            register,
            resend_code,
            activate,
            limits: RequestLimits::new(limits, Ipv4Addr::LOCALHOST.into()),
            _data: data,
        }
    }

    fn users(&self) -> &dyn UserRepository {
        &*self.activate.authenticator.users
    }

    async fn user(&self) -> Option<User> {
        self.users().find_by_email(&address()).await.unwrap()
    }

    /// Claims the address, once the minute of the claim before has run out.
    async fn claim(&self, password: &str) {
        if let Some(earlier) = self.user().await {
            self.users().release_address(earlier.issue()).await.unwrap();
        }
        let password = Password::new(password.into(), PasswordLength { min: 8, max: 128 }).unwrap();
        let languages = Languages::default();
        let registration = Registration { email: address(), password, languages };
        self.register.execute(registration, trace(), &self.limits).await.unwrap();
    }

    /// Opens the window of the current code, as the worker does when it has mailed it, and sends
    /// wrong guesses all at once. Returns how many were compared: only then is it said how many are
    /// left.
    async fn guesses_compared(&self, password: &str) -> usize {
        let issue = self.user().await.unwrap().issue();
        let derivation = self.activate.code_keys.derivation(self.activate.code_length);
        let window = NewWindow { length: WINDOW, attempts: 5, derivation };
        self.activate.codes.open(issue, window, MailState::Accepted).await.unwrap();
        let code = self.activate.code_keys.derive(issue, derivation).unwrap();
        let wrong = (0..).map(|number| format!("{number:04}")).filter(|guess| !code.matches(guess));
        let guesses = wrong.take(AT_ONCE).map(async |guess| {
            self.activate
                .execute(&credentials(password), &submitted(&guess), trace(), &self.limits)
                .await
                .unwrap_err()
        });
        let answers = join_all(guesses).await;
        for answer in &answers {
            assert!(
                matches!(
                    answer,
                    ActivateError::CodeInvalid { .. }
                        | ActivateError::AttemptsExhausted
                        | ActivateError::GuessesExhausted { .. }
                ),
                "{answer:?}"
            );
        }
        answers.iter().filter(|answer| matches!(answer, ActivateError::CodeInvalid { .. })).count()
    }
}

fn address() -> EmailAddress {
    EmailAddress::parse(ADDRESS).unwrap()
}

fn credentials(password: &str) -> Credentials {
    Credentials { email: address(), password: Password::claimed(password.into()) }
}

fn submitted(code: &str) -> SubmittedCode {
    SubmittedCode::parse(code).unwrap()
}

fn trace() -> TraceParent {
    TraceParent::start(SystemIds.next_id())
}
