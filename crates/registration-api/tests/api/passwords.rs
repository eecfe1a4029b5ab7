use std::sync::atomic::Ordering;

use domain::{EmailAddress, PasswordHash, User, UserId, UserStatus};
use uuid::Uuid;

use crate::support::{EMAIL, TestApp, problem};

const COMPOSED: &str = "Ångström 1868";
const DECOMPOSED: &str = "A\u{30a}ngstro\u{308}m 1868";

/// A registration whose password was hashed by a version that did not normalise it.
fn put_earlier_registration(app: &TestApp, hashed: &str) {
    let hash = PasswordHash::from_phc(format!("0:{hashed}"));
    let id = UserId::from_uuid(Uuid::from_u128(0xada));
    let status = UserStatus::Pending { code_mailed: true };
    app.world.users.put(User::restore(id, EmailAddress::parse(EMAIL).unwrap(), hash, 1, status));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_hashed_as_received_still_works_and_is_rehashed() {
    for (hashed, renewed) in [(DECOMPOSED, COMPOSED), ("no-break\u{a0}space", "no-break space")] {
        let app = TestApp::start();
        put_earlier_registration(&app, hashed);
        problem(app.activate(EMAIL, hashed, "0000").await, 410, "code-expired").await;
        let stored = app.world.users.get(EMAIL).unwrap().password_hash().clone();
        assert!(stored.as_phc().ends_with(&format!(":{renewed}")), "{}", stored.as_phc());
        // From now on, every form works, with one hash each.
        let before = app.world.hasher.verifications.load(Ordering::Relaxed);
        problem(app.activate(EMAIL, hashed, "0000").await, 410, "code-expired").await;
        problem(app.activate(EMAIL, renewed, "0000").await, 410, "code-expired").await;
        assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), before + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asvs_6_3_8_a_password_in_another_form_costs_the_same_for_every_address() {
    let app = TestApp::start();
    app.register(EMAIL, COMPOSED).await;
    let mut costs = Vec::new();
    for (email, password) in [
        (EMAIL, "wro\u{308}ng password"),
        ("nobody@example.com", "wro\u{308}ng password"),
        (EMAIL, "wröng password"),
        ("nobody@example.com", "wröng password"),
    ] {
        let before = app.world.hasher.verifications.load(Ordering::Relaxed);
        problem(app.resend(email, password).await, 401, "invalid-credentials").await;
        costs.push(app.world.hasher.verifications.load(Ordering::Relaxed) - before);
    }
    assert_eq!(costs, [2, 2, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_7617_a_reading_that_does_not_match_is_not_followed_by_another() {
    let app = TestApp::start();
    // In ISO-8859-1, these bytes would be the password.
    assert_eq!(app.register(EMAIL, "Ã¤Ã¶Ã¼ and more").await.status(), 201);
    problem(app.resend(EMAIL, "äöü and more").await, 401, "invalid-credentials").await;
    assert_eq!(app.world.hasher.verifications.load(Ordering::Relaxed), 1);
}
