//! From an address to an active account.

use acceptance::browser::Theme;
use acceptance::{Account, StandaloneCommand};

use super::visitor::{DESKTOP, PHONE, Visitor};

#[tokio::test]
async fn an_address_a_password_and_a_code_make_an_active_account() {
    for (theme, size, name) in
        [(Theme::Light, DESKTOP, "30-signup"), (Theme::Dark, PHONE, "31-signup-dark-phone")]
    {
        let data = tempfile::tempdir().unwrap();
        let start = StandaloneCommand::on(data.path());
        // A browser may take its time.
        let standalone = start.with("code.window", "3600s").start().await;
        let account = Account { email: "ada@example.com".into(), ..Account::new() };
        let visitor = Visitor::at(&standalone.api, theme, size).await;
        visitor.browser.save_screenshot(&format!("{name}-1-empty")).await;
        visitor.register(&account).await;
        visitor.is_asked_for_the_code(&account.email).await;
        assert!(visitor.browser.text("#time").await.contains(':'));
        let code = standalone.mailbox().first(&account.email).await.code();
        visitor.browser.save_screenshot(&format!("{name}-2-code")).await;
        let (first, second) = code.split_at(2);
        visitor.activate(&format!("{first} {second}")).await;
        visitor.is_done().await;
        visitor.browser.wait_for_text("#active", &account.email).await;
        visitor.browser.save_screenshot(&format!("{name}-3-done")).await;
        let kept =
            "document.getElementById('password').value + document.getElementById('code').value";
        assert_eq!(visitor.browser.evaluate(kept).await, "", "the password is forgotten");
        visitor.assert_that_nothing_moved().await;
        visitor.browser.assert_requested_only_from(&[&standalone.api]).await;
        let again = standalone.client().activate(&account, &code).await;
        again.expect_problem(409, "already-active");
    }
}

#[tokio::test]
async fn the_page_speaks_the_readers_language_and_can_be_switched() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let visitor = Visitor::at(&standalone.api, Theme::Light, PHONE).await;
    let browser = &visitor.browser;
    browser.read_languages("fr-CA,fr;q=0.9,en;q=0.8").await;
    browser.open(&standalone.api).await;
    browser.wait_for_text("#register-heading", "Créer votre compte").await;
    let account = Account::new();
    browser.fill("#email", "ada").await;
    browser.click("#register-form [type=submit]").await;
    browser.wait_for_text("#email-note", "Ce n’est pas une adresse e-mail.").await;
    browser.wait_for_text("#password-note", "au moins 8 caractères").await;
    browser.save_screenshot("32-signup-french-errors").await;
    browser.forget_console().await;
    visitor.register(&account).await;
    browser.wait_for_text("#sent", "Nous avons envoyé un code").await;
    // What was entered and what is shown survive the switch.
    browser.click("nav a[lang=en]").await;
    browser.wait_for_text("#sent", "We have sent a code").await;
    browser.wait_for_text("#code-heading", "Check your mail").await;
    let code = standalone.mailbox().first(&account.email).await.code();
    visitor.activate(&code).await;
    visitor.is_done().await;
    // And the choice survives a reload.
    assert_eq!(browser.evaluate("location.search").await, "?lang=en");
    browser.assert_requested_only_from(&[&standalone.api]).await;
}

#[tokio::test]
async fn the_page_leads_back_to_the_product_and_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path())
        .with("code.window", "3600s")
        .with("mail.product_name", "Analytical Engine")
        .with("signup.return_url", "https://app.example.com/welcome")
        .with("signup.return_origins", "https://app.example.com,https://shop.example.com");
    let standalone = start.start().await;
    for (asked, expected) in [
        ("", "https://app.example.com/welcome"),
        (
            "?return_url=https://shop.example.com/basket%3Fid=1",
            "https://shop.example.com/basket?id=1",
        ),
        ("?return_url=https://evil.example/", "https://app.example.com/welcome"),
    ] {
        let account = Account::new();
        let visitor =
            Visitor::at(&format!("{}/{asked}", standalone.api), Theme::Light, DESKTOP).await;
        // A switch of the language does not lose it.
        visitor.browser.click("nav a[lang=en]").await;
        visitor.register(&account).await;
        visitor.is_asked_for_the_code(&account.email).await;
        visitor.activate(&standalone.mailbox().first(&account.email).await.code()).await;
        visitor.is_done().await;
        visitor.browser.wait_for_text("#continue", "Continue to Analytical Engine").await;
        let href = visitor.browser.evaluate("document.getElementById('continue').href").await;
        assert_eq!(href, expected, "{asked}");
        visitor.browser.save_screenshot("33-signup-return").await;
    }
}

#[tokio::test]
async fn the_page_solves_the_challenge() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path())
        .with("code.window", "3600s")
        .with("proof_of_work.enabled", "true")
        .with("proof_of_work.difficulty", "5000");
    let standalone = start.start().await;
    let account = Account::new();
    let refused = standalone.client().register(&account).await;
    refused.expect_invalid("/proof_of_work");
    let visitor = Visitor::at(&standalone.api, Theme::Light, DESKTOP).await;
    visitor.register(&account).await;
    visitor.is_asked_for_the_code(&account.email).await;
    visitor.activate(&standalone.mailbox().first(&account.email).await.code()).await;
    visitor.is_done().await;
    visitor.browser.assert_requested_only_from(&[&standalone.api]).await;
}

#[tokio::test]
async fn the_password_is_shown_only_on_request() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let visitor = Visitor::at(&standalone.api, Theme::Light, DESKTOP).await;
    let browser = &visitor.browser;
    let kind = "document.getElementById('password').type";
    browser.fill("#password", "correct horse").await;
    assert_eq!(browser.evaluate(kind).await, "password");
    browser.click("#show").await;
    assert_eq!(browser.evaluate(kind).await, "text");
    browser.wait_for_text("#show", "Hide").await;
    browser.click("#show").await;
    assert_eq!(browser.evaluate(kind).await, "password");
}
