//! Whether the collection of breached passwords answers.

use domain::ports::BreachedPasswords;
use domain::{ErrorChain, Finding, Password, PasswordLength};

const CHECK: &str = "password.breach_check";

pub(super) async fn judge(breached: &dyn BreachedPasswords, fails_open: bool) -> Finding {
    let length = PasswordLength { min: 1, max: 64 };
    let Ok(password) = Password::new("password".into(), length) else {
        return Finding::error(CHECK, "a plain password is refused", "report this defect");
    };
    let Err(error) = breached.contains(&password).await else {
        return Finding::ok(CHECK, "the collection answers");
    };
    let message = ErrorChain(&error).to_string();
    let advice = "check password.breach_api_url, password.breach_timeout and the firewalls in \
                  between";
    if fails_open {
        Finding::warning(CHECK, format!("{message}; passwords are not checked"), advice)
    } else {
        Finding::error(CHECK, format!("{message}; registrations are answered 503"), advice)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::Severity;
    use domain::ports::BreachCheckError;

    use super::*;

    struct Collection(bool);

    #[async_trait]
    impl BreachedPasswords for Collection {
        async fn contains(&self, _: &Password) -> Result<bool, BreachCheckError> {
            if self.0 { Ok(true) } else { Err(BreachCheckError("no route to host".into())) }
        }
    }

    #[tokio::test]
    async fn a_collection_that_does_not_answer_matters_as_the_settings_say() {
        assert_eq!(judge(&Collection(true), false).await.severity, Severity::Ok);
        assert_eq!(judge(&Collection(false), true).await.severity, Severity::Warning);
        let finding = judge(&Collection(false), false).await;
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.message.contains("no route to host"), "{finding:?}");
    }
}
