//! Somebody tries the service out: the documentation in one tab, the inbox in the other.

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, StandaloneCommand};

const REGISTER: &str = "#operations-users-register";
const ACTIVATE: &str = "#operations-users-activate";

/// Executes an operation on the documentation page with this body and waits for the status.
async fn execute(browser: &Browser, operation: &str, body: &str) -> String {
    browser.fill(&format!("{operation} textarea"), body).await;
    browser.click(&format!("{operation} .execute")).await;
    browser.text(&format!("{operation} .live-responses-table tbody .response-col_status")).await
}

async fn authorize(browser: &Browser, account: &Account) {
    browser.click(".auth-wrapper .authorize").await;
    browser.fill("#auth-basic-username", &account.email).await;
    browser.fill("#auth-basic-password", &account.password).await;
    browser.save_screenshot("05-docs-authorize").await;
    browser.click(".auth-btn-wrapper .authorize").await;
    browser.click(".auth-btn-wrapper .btn-done").await;
}

#[tokio::test]
async fn both_pages_lead_from_an_address_to_an_active_account() {
    let data = tempfile::tempdir().unwrap();
    // A browser may take its time.
    let standalone = StandaloneCommand::on(data.path()).with("code.window", "3600s").start().await;
    let account = Account { email: "ada@example.com".into(), ..Account::new() };
    let browser = Browser::start(Theme::Light, (1280, 900)).await;

    let inbox = browser.tab().await;
    browser.open(&standalone.inbox).await;
    browser.wait_for_text("#status", "Live").await;
    browser.wait_for_text("#example", "curl").await;
    browser.save_screenshot("01-inbox-empty").await;
    browser.evaluate("window.openedOnce = true").await;

    let docs = browser.new_tab().await;
    browser.open(&format!("{}/docs", standalone.api)).await;
    browser.wait_for_text("#swagger-ui .title", "Registration").await;
    browser.text(&format!("{REGISTER} .opblock-summary-path")).await;
    browser.save_screenshot("02-docs").await;

    browser.click(&format!("{REGISTER} .opblock-summary-control")).await;
    let body = format!(r#"{{ "email": "{}", "password": "{}" }}"#, account.email, account.password);
    let status = execute(&browser, REGISTER, &body).await;
    assert!(status.starts_with("201"), "{status}");
    browser.scroll_to(&format!("{REGISTER} .responses-wrapper")).await;
    browser.save_screenshot("03-docs-registered").await;

    browser.switch_to(&inbox).await;
    browser.wait_for_text("#list", &account.email).await;
    let code = browser.text("#code").await;
    assert_eq!(browser.evaluate("window.openedOnce").await, true, "the mail came without a reload");
    assert_eq!(code, standalone.mailbox().first(&account.email).await.code());
    browser.save_screenshot("04-inbox-mail").await;

    browser.switch_to(&docs).await;
    browser.scroll_to("#swagger-ui").await;
    authorize(&browser, &account).await;
    browser.click(&format!("{ACTIVATE} .opblock-summary-control")).await;
    let status = execute(&browser, ACTIVATE, &format!(r#"{{ "code": "{code}" }}"#)).await;
    assert!(status.starts_with("200"), "{status}");
    browser
        .wait_for_text(&format!("{ACTIVATE} .live-responses-table"), r#""is_active": true"#)
        .await;
    browser.scroll_to(&format!("{ACTIVATE} .responses-wrapper")).await;
    browser.save_screenshot("06-docs-activated").await;

    browser.assert_requested_only_from(&[&standalone.api, &standalone.inbox]).await;
}

#[tokio::test]
async fn the_documentation_sends_credentials_as_utf8() {
    let data = tempfile::tempdir().unwrap();
    let standalone =
        StandaloneCommand::on(data.path()).with("code.window_seconds", "3600").start().await;
    // Characters that ISO-8859-1 has and others that it does not.
    let account = Account { password: "Größe in € und 円".into(), ..Account::new() };
    standalone.client().register(&account).await.expect_status(201);
    let code = standalone.mailbox().first(&account.email).await.code();
    let browser = Browser::start(Theme::Light, (1280, 900)).await;
    browser.open(&format!("{}/docs", standalone.api)).await;
    authorize(&browser, &account).await;
    browser.click(&format!("{ACTIVATE} .opblock-summary-control")).await;
    let status = execute(&browser, ACTIVATE, &format!(r#"{{ "code": "{code}" }}"#)).await;
    assert!(status.starts_with("200"), "{status}");
    browser.assert_requested_only_from(&[&standalone.api]).await;
}

#[tokio::test]
async fn the_list_of_problems_can_be_read_by_day_and_by_night() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    for (theme, name) in [(Theme::Light, "20-problems"), (Theme::Dark, "21-problems-dark")] {
        let browser = Browser::start(theme, (1280, 900)).await;
        browser.open(&format!("{}/docs/problems#code-expired", standalone.api)).await;
        browser.wait_for_text("#code-expired", "410").await;
        browser.save_screenshot(name).await;
        browser.assert_requested_only_from(&[&standalone.api]).await;
    }
}

#[tokio::test]
async fn the_documentation_can_be_read_at_night() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let browser = Browser::start(Theme::Dark, (1280, 900)).await;
    browser.open(&format!("{}/docs", standalone.api)).await;
    browser.click(&format!("{REGISTER} .opblock-summary-control")).await;
    browser.text(&format!("{REGISTER} .execute")).await;
    browser.save_screenshot("07-docs-dark").await;
    browser.assert_requested_only_from(&[&standalone.api]).await;
}
