//! Which passwords are too easy to guess (OWASP ASVS 6.2.4, 6.2.11, 6.2.12).
//!
//! No composition rules (ASVS 6.2.5): a password is refused because an attacker would try it early,
//! never because a class of characters is missing.

mod common;
mod folding;
#[cfg(test)]
mod oracle;
mod patterns;
mod word_list;

use std::sync::Arc;

use common::is_common;
use domain::ports::{BreachCheckError, BreachedPasswords};
use domain::{EmailAddress, ErrorChain, Password};

use crate::metrics::BREACH_CHECKS;

/// The rules for a new password, except its length, which [`domain::Password`] checks.
#[derive(Clone)]
pub struct PasswordPolicy {
    /// Refuse the most common passwords and the address itself. Needs no network.
    pub refuse_common: bool,
    /// Where to look up breached passwords, if anywhere.
    pub breached: Option<Arc<dyn BreachedPasswords>>,
    /// Whether a password passes while that lookup is unavailable.
    pub breach_fail_open: bool,
}

/// Why a password is refused. The texts never contain it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// Among the most common ones, or derived from the address.
    #[error("this password is among the first that an attacker would try; choose another one")]
    Common,
    /// Known from a breach.
    #[error("this password is known from a data breach; choose another one")]
    Breached,
    /// The lookup failed, and the password must not pass unchecked.
    #[error("the password cannot be checked at the moment")]
    Unchecked(#[source] BreachCheckError),
}

impl PasswordPolicy {
    /// Accepts or refuses a new password for `email`.
    pub async fn check(
        &self,
        password: &Password,
        email: &EmailAddress,
    ) -> Result<(), PasswordRefused> {
        if self.refuse_common && is_common(password.expose(), email) {
            return Err(PasswordRefused::Common);
        }
        let Some(breached) = &self.breached else { return Ok(()) };
        let answer = breached.contains(password).await;
        let outcome = match &answer {
            Ok(true) => "breached",
            Ok(false) => "unknown",
            Err(_) => "unavailable",
        };
        metrics::counter!(BREACH_CHECKS, "outcome" => outcome).increment(1);
        match answer {
            Ok(true) => Err(PasswordRefused::Breached),
            Ok(false) => Ok(()),
            Err(error) if self.breach_fail_open => {
                let cause = ErrorChain(&error);
                tracing::warn!(event = "breach_check.skipped", error = %cause, "a breach check is skipped");
                Ok(())
            }
            Err(error) => Err(PasswordRefused::Unchecked(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use secrecy::SecretString;

    use super::*;

    struct Collection(Result<bool, ()>);

    #[async_trait]
    impl BreachedPasswords for Collection {
        async fn contains(&self, _: &Password) -> Result<bool, BreachCheckError> {
            self.0.map_err(|()| BreachCheckError("unreachable".into()))
        }
    }

    async fn verdict(
        answer: Result<bool, ()>,
        breach_fail_open: bool,
    ) -> Result<(), PasswordRefused> {
        let policy = PasswordPolicy {
            refuse_common: true,
            breached: Some(Arc::new(Collection(answer))),
            breach_fail_open,
        };
        let password = Password::claimed(SecretString::from("correct horse battery"));
        let email = EmailAddress::parse("ada@example.com").unwrap();
        tokio::time::timeout(Duration::from_secs(5), policy.check(&password, &email)).await.unwrap()
    }

    #[tokio::test]
    async fn asvs_6_2_12_breached_passwords_are_refused() {
        assert!(matches!(verdict(Ok(true), true).await, Err(PasswordRefused::Breached)));
        assert!(verdict(Ok(false), false).await.is_ok());
    }

    #[tokio::test]
    async fn asvs_16_5_2_an_api_that_is_down_lets_pass_or_refuses_as_set() {
        assert!(verdict(Err(()), true).await.is_ok());
        assert!(matches!(verdict(Err(()), false).await, Err(PasswordRefused::Unchecked(_))));
    }
}
