//! Which passwords are too easy to guess (OWASP ASVS 6.2.4, 6.2.11, 6.2.12).
//!
//! No composition rules (ASVS 6.2.5): a password is refused because an attacker would try it early,
//! never because a class of characters is missing.

use std::sync::Arc;

use domain::ports::{BreachCheckError, BreachedPasswords};
use domain::{EmailAddress, ErrorChain, Password};
use zxcvbn::zxcvbn;

use crate::metrics::BREACH_CHECKS;

/// A password that takes an attacker no more guesses than this, by the estimate of zxcvbn (whose
/// word lists are ordered by frequency), is among the 10,000 most common or a very common one with
/// a digit.
const COMMON_GUESSES: u64 = 12_000;
/// The cost of an estimate grows with the square of the length; no common password is longer than
/// this. From 32 characters on, zxcvbn's arithmetic overflows for some patterns of keys.
const ESTIMATED_CHARACTERS: usize = 24;
/// The signs that may replace a letter, as `@` does an `a`. An estimate tries every combination of
/// meanings: hundreds for a password with all of them, only a few for a common one.
const LETTER_LIKE: &str = "@({[<!|$+%";
const ESTIMATED_LETTER_LIKE: usize = 3;

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

fn is_common(password: &str, email: &EmailAddress) -> bool {
    let folded = password.to_lowercase();
    let address = email.lookup_key();
    if folded == address || folded == email.local_part().to_lowercase() || folded == email.domain()
    {
        return true;
    }
    if !is_worth_an_estimate(password) {
        return false;
    }
    let words: Vec<&str> = [address.as_str()]
        .into_iter()
        .chain(address.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2))
        .collect();
    zxcvbn(password, &words).guesses() <= COMMON_GUESSES
}

/// An estimate runs on the thread that serves the request, so none may take more than a few
/// milliseconds.
fn is_worth_an_estimate(password: &str) -> bool {
    let letter_like = LETTER_LIKE.chars().filter(|character| password.contains(*character)).count();
    password.chars().nth(ESTIMATED_CHARACTERS).is_none() && letter_like <= ESTIMATED_LETTER_LIKE
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    fn is_refused(password: &str) -> bool {
        is_common(password, &EmailAddress::parse("Ada.Lovelace@example.com").unwrap())
    }

    #[test]
    fn asvs_6_2_4_the_most_common_passwords_are_refused() {
        for password in
            ["password", "password1", "12345678", "qwertyuiop", "iloveyou", "football", "P@ssw0rd"]
        {
            assert!(is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_6_2_11_passwords_made_of_the_address_are_refused() {
        for password in
            ["ada.lovelace@example.com", "Ada.Lovelace", "lovelace", "lovelace1", "example.com"]
        {
            assert!(is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_6_2_5_no_kind_of_character_is_asked_for() {
        for password in [
            "correct horse battery",
            "mlkqsdfuiop",
            "83619402758",
            "пароль надёжный",
            "🐎🔋📎✅🌈🦊🐙🎻",
        ] {
            assert!(!is_refused(password), "{password}");
        }
    }

    #[test]
    fn asvs_15_2_2_no_password_takes_long_to_estimate() {
        let fastest = |password: &str| {
            let time = |()| {
                let started = Instant::now();
                is_refused(password);
                started.elapsed().as_secs_f64()
            };
            [(); 5].map(time).into_iter().fold(f64::INFINITY, f64::min)
        };
        let everyday = fastest("correct horse battery st");
        for part in ["4@8({[<3691!|70$5+%2", LETTER_LIKE, "1234567890!|[", "17!|$0", "12", "a"] {
            for length in [ESTIMATED_CHARACTERS, 128] {
                let password: String = part.chars().cycle().take(length).collect();
                let ratio = fastest(&password) / everyday;
                println!(
                    "{length} characters of {part} take {ratio:.1} times as long as an everyday password"
                );
                assert!(
                    ratio < 50.0,
                    "{password} takes {ratio} times as long as an everyday password"
                );
            }
        }
    }

    proptest! {
        // At least 2,000 cases; `PROPTEST_CASES` asks for more.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

        #[test]
        fn fuzz_no_password_makes_the_estimate_panic(
            password in "\\PC{0,130}|[a-z0-9]{8,40}|[12qwertzuiop]{8,40}|(12|qw|az|zx){4,20}|[0-9./-]{8,40}",
        ) {
            is_refused(&password);
        }
    }

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
