//! The main job: an address and a password go in, a code comes by mail, the account is active.

use uuid::Uuid;

use acceptance::{Account, Journey, Setup, journeys};
use test_support::unique_name;

journeys!(both {
    a_registration_is_activated_by_the_code_from_its_mail: Setup::with_costly_hashes(), [
        "POST /api/v1/users/register 201", "POST /api/v1/users/activate 200"
    ];
    a_new_code_replaces_the_old_one: Setup::with_costly_hashes(), [
        "POST /api/v1/users/resend-code 200", "POST /api/v1/users/activate 400"
    ];
    an_active_account_has_nothing_left_to_ask_for: Setup::with_costly_hashes(), [
        "POST /api/v1/users/register 409",
        "POST /api/v1/users/activate 409",
        "POST /api/v1/users/resend-code 409",
    ];
    the_case_of_an_address_makes_no_difference: Setup::with_costly_hashes(), [];
    usual_and_unusual_accounts_work: Setup::with_costly_hashes(), [];
    asvs_6_6_2_a_code_belongs_to_one_registration: Setup::with_costly_hashes(), [];
});

async fn a_registration_is_activated_by_the_code_from_its_mail(journey: &Journey) {
    let account = Account::new();
    let registered = journey.api.register(&account).await;
    registered.expect_status(201);
    assert_eq!(registered.header("cache-control"), "no-store");
    assert_eq!(registered.text("email"), account.email);
    assert!(!registered.text("message").is_empty());
    let user_id: Uuid = registered.text("user_id").parse().unwrap();
    assert_eq!(user_id.get_version_num(), 7);

    let mail = journey.mailbox.first(&account.email).await;
    assert!(
        !registered.body.contains(&mail.code())
            || registered.text("user_id").contains(&mail.code())
    );
    let activated = journey.api.activate(&account, &mail.code()).await;
    activated.expect_status(200);
    assert_eq!(activated.header("cache-control"), "no-store");
    assert_eq!(activated.text("email"), account.email);
    assert_eq!(activated.text("user_id"), user_id.to_string());
    assert_eq!(activated.json()["is_active"], true);
    assert!(!activated.text("message").is_empty());
}

async fn a_new_code_replaces_the_old_one(journey: &Journey) {
    let (account, mail) = journey.registered().await;
    let old = mail.code();
    // One code in ten thousand is the same as the one before: then another one is requested.
    let mut asked = 0;
    let new = loop {
        let resent = journey.api.resend(&account).await;
        resent.expect_status(200);
        assert_eq!(resent.header("cache-control"), "no-store");
        assert_eq!(resent.text("email"), account.email);
        assert!(!resent.text("message").is_empty());
        asked += 1;
        let mails = journey.mailbox.expect(&account.email, 1 + asked).await;
        let new = mails.last().unwrap().code();
        if new != old {
            break new;
        }
    };
    journey.api.activate(&account, &old).await.expect_problem(400, "code-invalid");
    journey.api.activate(&account, &new).await.expect_status(200);
}

async fn an_active_account_has_nothing_left_to_ask_for(journey: &Journey) {
    let account = journey.activated().await;
    journey.api.register(&account).await.expect_problem(409, "email-taken");
    journey.api.activate(&account, "0000").await.expect_problem(409, "already-active");
    journey.api.resend(&account).await.expect_problem(409, "already-active");
}

async fn the_case_of_an_address_makes_no_difference(journey: &Journey) {
    let name = unique_name();
    let as_registered = Account { email: format!("Ada.{name}@Example.COM"), ..Account::new() };
    let as_typed_later =
        Account { email: format!("aDA.{name}@example.com"), ..as_registered.clone() };
    let registered = journey.api.register(&as_registered).await;
    assert_eq!(registered.expect_status(201).text("email"), format!("Ada.{name}@example.com"));
    journey.api.register(&as_typed_later).await.expect_problem(409, "email-taken");
    let mail = journey.mailbox.first(&as_typed_later.email).await;
    journey.api.activate(&as_typed_later, &mail.code()).await.expect_status(200);
}

async fn usual_and_unusual_accounts_work(journey: &Journey) {
    let name = unique_name();
    let password = Account::new().password;
    let accounts = [
        (format!("o'brien.{name}@example.com"), password.clone()),
        (format!("a!b+tag.{name}@example.co.uk"), password.clone()),
        (format!("info.{name}@bücher.example"), password.clone()),
        (format!("info.{name}@例え.テスト"), password.clone()),
        (format!("colon.{name}@example.com"), format!("many:colons::{name}:")),
        (format!("accents.{name}@example.com"), format!("Ünïcödé 🐎 {name}")),
        (format!("spaces.{name}@example.com"), format!("  spaces around {name}  ")),
        (format!("long.{name}@example.com"), format!("{name}{}", "ä".repeat(64))),
        (format!("longest.{name}@example.com"), format!("{name}{}", "🐎".repeat(112))),
    ];
    for (email, password) in accounts {
        let account = Account { email, password };
        let registered = journey.api.register(&account).await;
        let mail = journey.mailbox.first(&registered.expect_status(201).text("email")).await;
        journey.api.activate(&account, &mail.code()).await.expect_status(200);
    }
}

async fn asvs_6_6_2_a_code_belongs_to_one_registration(journey: &Journey) {
    let (ada, mail_to_ada) = journey.registered().await;
    let (bob, mail_to_bob) = journey.registered().await;
    // They may be equal, once in ten thousand: then there is nothing to tell apart.
    if mail_to_ada.code() != mail_to_bob.code() {
        journey.api.activate(&bob, &mail_to_ada.code()).await.expect_problem(400, "code-invalid");
    }
    journey
        .api
        .activate(&ada.with_password(&bob.password), &mail_to_ada.code())
        .await
        .expect_problem(401, "invalid-credentials");
    journey.api.activate(&bob, &mail_to_bob.code()).await.expect_status(200);
}
