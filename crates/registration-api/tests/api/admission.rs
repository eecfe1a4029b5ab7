use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::MailDomains;
use domain::ports::{HookDecision, Quota};
use registration_api::admission::DomainRules;
use registration_api::http::ApiOptions;
use registration_api::limits::{ActionQuotas, Quotas};
use registration_api::use_cases::ExistingAccount;

use crate::support::{EMAIL, Hook, PASSWORD, TestApp, World, faults, options, problem};

fn domains(name: &str) -> MailDomains {
    let mut domains = MailDomains::default();
    domains.insert(name).unwrap();
    domains
}

fn with_hook(answer: Option<HookDecision>, options: ApiOptions) -> TestApp {
    let world = World { hook: Some(Arc::new(Hook::new(answer))), ..World::default() };
    TestApp::start_with(world, options)
}

fn asked(app: &TestApp) -> Vec<String> {
    let hook = app.world.hook.as_ref().unwrap();
    hook.asked.lock().unwrap().iter().map(|(email, _)| email.clone()).collect()
}

fn hashes(app: &TestApp) -> u32 {
    app.world.hasher.hashes.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_refused_by_their_domain_before_a_hash_is_spent() {
    let domains = DomainRules {
        allowed: domains("example.com"),
        denied: domains("guests.example.com"),
        disposable: domains("trash.example.com"),
    };
    for existing_account in [ExistingAccount::Reveal, ExistingAccount::Conceal] {
        let domains = domains.clone();
        let app = TestApp::start_with(
            World::default(),
            ApiOptions { domains, existing_account, ..options() },
        );
        for (address, code) in [
            ("ada@example.org", "email-domain-not-allowed"),
            ("ada@guests.example.com", "email-domain-not-allowed"),
            ("ada@trash.example.com", "email-disposable"),
        ] {
            let answer = app.register(address, PASSWORD).await;
            let document = problem(answer, 422, "validation-failed").await;
            assert_eq!(faults(&document), [("/email", code)]);
        }
        assert_eq!(hashes(&app), 0);
        app.pending_user().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_is_asked_for_each_registration_and_learns_no_password() {
    let app = with_hook(Some(HookDecision::Allow), options());
    app.pending_user().await;
    let asked = app.world.hook.as_ref().unwrap().asked.lock().unwrap().clone();
    assert_eq!(asked, [(EMAIL.to_owned(), "127.0.0.1".parse().unwrap())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_the_hook_refuses_is_not_made() {
    for existing_account in [ExistingAccount::Reveal, ExistingAccount::Conceal] {
        let app =
            with_hook(Some(HookDecision::Refuse), ApiOptions { existing_account, ..options() });
        problem(app.register(EMAIL, PASSWORD).await, 403, "registration-refused").await;
        assert!(app.world.users.get(EMAIL).is_none());
        assert_eq!(hashes(&app), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_16_5_2_without_the_hook_registrations_pass_or_are_503_as_set() {
    let app = with_hook(None, options());
    let answer = app.register(EMAIL, PASSWORD).await;
    assert!(answer.headers().contains_key("retry-after"));
    problem(answer, 503, "unavailable").await;
    let app = with_hook(None, ApiOptions { hook_fail_open: true, ..options() });
    app.pending_user().await;
}

/// In conceal mode the hook is asked about a taken address as about a free one.
#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_the_hook_is_asked_whoever_is_registered() {
    let options = ApiOptions { existing_account: ExistingAccount::Conceal, ..options() };
    let app = with_hook(Some(HookDecision::Allow), options);
    for _ in 0..2 {
        assert_eq!(app.register(EMAIL, PASSWORD).await.status(), 202);
    }
    assert_eq!(asked(&app), [EMAIL, EMAIL]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_2_4_1_a_client_over_its_limit_cannot_keep_the_hook_busy() {
    let once = Some(Quota { burst: 1, period: Duration::from_hours(1) });
    let register = ActionQuotas { client: once, address: None };
    let options = ApiOptions { quotas: Quotas { register, ..Quotas::default() }, ..options() };
    let app = with_hook(Some(HookDecision::Refuse), options);
    problem(app.register(EMAIL, PASSWORD).await, 403, "registration-refused").await;
    problem(app.register(EMAIL, PASSWORD).await, 429, "rate-limited").await;
    assert_eq!(asked(&app), [EMAIL]);
}
