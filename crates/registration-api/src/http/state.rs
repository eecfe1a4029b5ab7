//! What every worker thread of the API shares.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{
    Allowance, BreachedPasswords, Budget, CodeStore, IdSource, PasswordHasher, RateLimiter,
    RegistrationHook, UserRepository,
};
use domain::{CodeKeys, CodeLength, PasswordLength};
use process::health::Health;

use super::client_address::TrustedProxies;
use super::listener_context::ListenerContext;
use super::proof_of_work::{ProofOfWork, ProofOfWorkOptions};
use super::public_url::PublicUrl;
use super::signup_page::{SignupOptions, SignupPage};
use crate::admission::{Admission, DomainRules};
use crate::limits::{Counters, Limits, Quotas};
use crate::password_policy::PasswordPolicy;
use crate::use_cases::{Activate, Authenticator, ExistingAccount, Register, ResendCode};

/// The ports that the API needs.
#[derive(Clone)]
pub struct Ports {
    /// Stores the users.
    pub users: Arc<dyn UserRepository>,
    /// The windows in which codes are valid.
    pub codes: Arc<dyn CodeStore>,
    /// Counts guesses and mails.
    pub budget: Arc<dyn Budget>,
    /// Hashes and verifies passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts requests.
    pub limiter: Arc<dyn RateLimiter>,
    /// Count requests and mails while `limiter` and `budget` do not answer; without them neither is
    /// limited then.
    pub fallback: Option<Counters>,
    /// Where to look up breached passwords, if anywhere.
    pub breached: Option<Arc<dyn BreachedPasswords>>,
    /// Whom to ask before a registration, if anybody.
    pub hook: Option<Arc<dyn RegistrationHook>>,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
}

/// How the API behaves.
pub struct ApiOptions {
    /// The keys that codes are derived with.
    pub code_keys: Arc<CodeKeys>,
    /// How many digits a code has.
    pub code_length: CodeLength,
    /// How many digits other codes under way may have.
    pub previous_code_lengths: Vec<CodeLength>,
    /// How long a code is valid once its mail is accepted; shown to users.
    pub code_window: Duration,
    /// How many guesses an address gets.
    pub guess_allowance: Allowance,
    /// How long passwords may be.
    pub password_length: PasswordLength,
    /// Whether the most common passwords, and the address itself, are refused as passwords.
    pub refuse_common_passwords: bool,
    /// Whether a password passes while the breach lookup is unavailable.
    pub breach_fail_open: bool,
    /// Which mail domains may sign up.
    pub domains: DomainRules,
    /// Whether everybody may sign up while the hook is unavailable.
    pub hook_fail_open: bool,
    /// What answers reveal about an address that somebody has registered.
    pub existing_account: ExistingAccount,
    /// How many requests are allowed.
    pub quotas: Quotas,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The origins whose pages may call the API, such as `https://app.example.com`; none turns CORS
    /// off.
    pub allowed_origins: Vec<String>,
    /// Where clients reach the API.
    pub public_url: PublicUrl,
    /// The work that a registration takes, if any.
    pub proof_of_work: Option<ProofOfWorkOptions>,
    /// The page where people sign up, if there is one.
    pub signup: Option<SignupOptions>,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
}

/// The application: its use cases and what the HTTP layer needs to know.
pub struct AppState {
    pub(crate) register: Register,
    pub(crate) activate: Activate,
    pub(crate) resend_code: ResendCode,
    pub(crate) limits: Arc<Limits>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) health: Health,
    pub(crate) proof_of_work: Option<ProofOfWork>,
    pub(crate) signup_page: Option<SignupPage>,
    pub(crate) options: ApiOptions,
}

impl AppState {
    /// Wires the use cases; `health` is what `/health/ready` answers.
    pub fn new(ports: Ports, options: ApiOptions, health: Health) -> Self {
        let counters = Counters { limiter: ports.limiter, budget: ports.budget.clone() };
        let limits = Arc::new(Limits::new(options.quotas.clone(), counters, ports.fallback));
        let authenticator =
            Authenticator { users: ports.users.clone(), hasher: ports.hasher.clone() };
        let register = Register {
            users: ports.users,
            hasher: ports.hasher,
            ids: ports.ids.clone(),
            admission: Admission {
                domains: options.domains.clone(),
                hook: ports.hook,
                hook_fail_open: options.hook_fail_open,
            },
            passwords: PasswordPolicy {
                refuse_common: options.refuse_common_passwords,
                breached: ports.breached,
                breach_fail_open: options.breach_fail_open,
            },
            existing_account: options.existing_account,
        };
        let activate = Activate {
            authenticator: authenticator.clone(),
            codes: ports.codes,
            guesses: ports.budget,
            guess_allowance: options.guess_allowance,
            code_keys: options.code_keys.clone(),
            code_length: options.code_length,
            ids: ports.ids.clone(),
            existing_account: options.existing_account,
        };
        let resend_code = ResendCode {
            authenticator,
            ids: ports.ids.clone(),
            existing_account: options.existing_account,
        };
        let signup_page = options.signup.clone().map(|signup| {
            let window = options.code_window.as_secs();
            let has_challenge = options.proof_of_work.is_some();
            let lengths = (options.code_length, options.password_length);
            SignupPage::new(signup, window, lengths, has_challenge)
        });
        let proof_of_work = options.proof_of_work.map(|proof| ProofOfWork {
            options: proof,
            keys: options.code_keys.clone(),
            ids: ports.ids.clone(),
        });
        Self {
            register,
            activate,
            resend_code,
            limits,
            ids: ports.ids,
            health,
            proof_of_work,
            signup_page,
            options,
        }
    }

    /// What the layers around its endpoints need of it.
    pub(crate) fn context(&self) -> ListenerContext {
        ListenerContext {
            trusted_proxies: self.options.trusted_proxies.clone(),
            ids: self.ids.clone(),
            public_url: self.options.public_url.clone(),
        }
    }
}
