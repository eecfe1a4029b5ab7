//! Who may sign up: by domain, and by what a hook of the operator says.
//!
//! Nothing here looks at who has signed up already, so that a refusal reveals nothing of it. It
//! comes after the limits, so that nobody can keep the hook busy, and before a hash is spent.

use std::net::IpAddr;
use std::sync::Arc;

use domain::ports::{HookDecision, HookError, RegistrationHook};
use domain::{EmailAddress, ErrorChain, MailDomains};

use crate::metrics::{HOOK_CALLS, count_not_admitted};

/// Which domains may sign up.
#[derive(Debug, Clone, Default)]
pub struct DomainRules {
    /// These alone, if there are any.
    pub allowed: MailDomains,
    /// Not these, even if they are allowed.
    pub denied: MailDomains,
    /// Not these, because their mailboxes are thrown away after use.
    pub disposable: MailDomains,
}

/// Decides who may sign up.
#[derive(Clone)]
pub struct Admission {
    /// Which domains may.
    pub domains: DomainRules,
    /// Whom to ask, if anybody.
    pub hook: Option<Arc<dyn RegistrationHook>>,
    /// Whether everybody may while the hook is unavailable.
    pub hook_fail_open: bool,
}

/// Why an address may not be registered.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// By a rule about its domain.
    #[error("addresses of this domain cannot be registered here")]
    Domain,
    /// Its domain gives away disposable mailboxes.
    #[error("disposable addresses cannot be registered here; use another one")]
    Disposable,
    /// The hook has refused it.
    #[error("the registration is not accepted")]
    ByHook,
    /// The hook is unavailable, and nobody may pass without it.
    #[error("the registration cannot be checked at the moment")]
    Unchecked(#[source] HookError),
}

impl Admission {
    /// Applies the rules about domains. Costs nothing.
    pub(crate) fn check_domain(&self, email: &EmailAddress) -> Result<(), NotAdmitted> {
        let DomainRules { allowed, denied, disposable } = &self.domains;
        let domain = email.domain();
        if denied.cover(domain) || !(allowed.is_empty() || allowed.cover(domain)) {
            count_not_admitted("domain");
            return Err(NotAdmitted::Domain);
        }
        if disposable.cover(domain) {
            count_not_admitted("disposable");
            return Err(NotAdmitted::Disposable);
        }
        Ok(())
    }

    /// Asks the hook, if there is one.
    pub(crate) async fn ask_hook(
        &self,
        email: &EmailAddress,
        client: IpAddr,
    ) -> Result<(), NotAdmitted> {
        let Some(hook) = &self.hook else { return Ok(()) };
        let decision = hook.decide(email, client).await;
        let outcome = match &decision {
            Ok(HookDecision::Allow) => "allowed",
            Ok(HookDecision::Refuse) => "refused",
            Err(_) => "unavailable",
        };
        metrics::counter!(HOOK_CALLS, "outcome" => outcome).increment(1);
        match decision {
            Ok(HookDecision::Allow) => Ok(()),
            Ok(HookDecision::Refuse) => {
                count_not_admitted("hook");
                Err(NotAdmitted::ByHook)
            }
            Err(error) if self.hook_fail_open => {
                let cause = ErrorChain(&error);
                tracing::warn!(event = "registration_hook.skipped", error = %cause, "the registration hook is skipped");
                Ok(())
            }
            Err(error) => Err(NotAdmitted::Unchecked(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    struct Hook(Result<HookDecision, ()>);

    #[async_trait]
    impl RegistrationHook for Hook {
        async fn decide(&self, _: &EmailAddress, _: IpAddr) -> Result<HookDecision, HookError> {
            self.0.map_err(|()| HookError("unreachable".into()))
        }
    }

    fn domains(names: &[&str]) -> MailDomains {
        let mut domains = MailDomains::default();
        names.iter().for_each(|name| domains.insert(name).unwrap());
        domains
    }

    fn verdict(domains: DomainRules, address: &str) -> Result<(), NotAdmitted> {
        let admission = Admission { domains, hook: None, hook_fail_open: false };
        admission.check_domain(&EmailAddress::parse(address).unwrap())
    }

    #[test]
    fn everybody_may_sign_up_where_nothing_is_said() {
        verdict(DomainRules::default(), "ada@example.com").unwrap();
    }

    #[test]
    fn only_allowed_domains_may_and_denied_ones_may_not() {
        let rules = || DomainRules {
            allowed: domains(&["example.com", "bücher.example"]),
            denied: domains(&["guests.example.com"]),
            disposable: MailDomains::default(),
        };
        for allowed in ["ada@example.com", "ada@eu.EXAMPLE.com", "ada@xn--bcher-kva.example"] {
            verdict(rules(), allowed).unwrap();
        }
        for refused in ["ada@example.org", "ada@guests.example.com", "ada@x.guests.example.com"] {
            assert!(matches!(verdict(rules(), refused), Err(NotAdmitted::Domain)), "{refused}");
        }
    }

    #[test]
    fn disposable_domains_are_refused_as_such() {
        let rules = DomainRules { disposable: domains(&["trash.example"]), ..Default::default() };
        verdict(rules.clone(), "ada@example.com").unwrap();
        let refused = verdict(rules, "ada@in.trash.example");
        assert!(matches!(refused, Err(NotAdmitted::Disposable)));
    }

    async fn ask(
        answer: Result<HookDecision, ()>,
        hook_fail_open: bool,
    ) -> Result<(), NotAdmitted> {
        let hook: Option<Arc<dyn RegistrationHook>> = Some(Arc::new(Hook(answer)));
        let admission = Admission { domains: DomainRules::default(), hook, hook_fail_open };
        let email = EmailAddress::parse("ada@example.com").unwrap();
        admission.ask_hook(&email, "203.0.113.7".parse().unwrap()).await
    }

    #[tokio::test]
    async fn asvs_16_5_2_a_hook_that_is_down_lets_pass_or_refuses_as_set() {
        ask(Ok(HookDecision::Allow), false).await.unwrap();
        let refused = ask(Ok(HookDecision::Refuse), true).await;
        assert!(matches!(refused, Err(NotAdmitted::ByHook)));
        ask(Err(()), true).await.unwrap();
        assert!(matches!(ask(Err(()), false).await, Err(NotAdmitted::Unchecked(_))));
    }
}
