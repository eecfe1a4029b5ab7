//! With a keyboard only, at every width, and under the eyes of axe-core.

use acceptance::browser::{Browser, ENTER, TAB, Theme};
use acceptance::{Account, Standalone, StandaloneCommand};
use serde_json::json;

use super::visitor::{CODE_NOTE, DESKTOP, EMAIL_NOTE, Visitor};
use crate::npm_package::install;

async fn start(data: &tempfile::TempDir) -> Standalone {
    StandaloneCommand::on(data.path()).with("code.window", "3600s").start().await
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let data = tempfile::tempdir().unwrap();
    let standalone = start(&data).await;
    let account = Account::new();
    let visitor = Visitor::at(&standalone.api, Theme::Light, DESKTOP).await;
    let browser = &visitor.browser;
    browser.press(&format!("{TAB}ada{ENTER}")).await;
    browser.wait_for_text(EMAIL_NOTE, "This is not an email address").await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "email");
    browser.evaluate("document.activeElement.select()").await;
    browser.press(&format!("{}{TAB}{}{TAB}", account.email, account.password)).await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "show");
    browser.press(&format!("{ENTER}{TAB}{ENTER}")).await;
    visitor.is_asked_for_the_code(&account.email).await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "code");
    browser.press(&format!("12{ENTER}")).await;
    browser.wait_for_text(CODE_NOTE, "Enter the 4 digits").await;
    browser.evaluate("document.activeElement.select()").await;
    let code = standalone.mailbox().first(&account.email).await.code();
    browser.press(&format!("{code}{ENTER}")).await;
    visitor.is_done().await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "done-heading");
}

/// Fails on anything that axe-core objects to in what is shown.
async fn assert_accessible(browser: &Browser, axe: &str) {
    browser.run(axe, json!([])).await;
    // Colours are judged as they are at rest.
    let script = "return axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        .then((found) => [found.passes.length, found.violations.concat(found.incomplete).map(({ id, nodes }) => [id, nodes.map((node) => node.html)])])";
    let found = browser.run(script, json!([])).await;
    assert!(found[0].as_u64() > Some(10), "{found:#}");
    assert_eq!(found[1], json!([]), "axe-core has found something: {found:#}");
}

#[tokio::test]
async fn axe_finds_nothing_in_any_step() {
    let axe = install("axe").await.join("node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(axe).unwrap();
    for theme in [Theme::Light, Theme::Dark] {
        let data = tempfile::tempdir().unwrap();
        let standalone = start(&data).await;
        let visitor = Visitor::at(&standalone.api, theme, DESKTOP).await;
        let browser = &visitor.browser;
        assert_accessible(browser, &axe).await;
        browser.click("#register-form [type=submit]").await;
        browser.wait_for_text(EMAIL_NOTE, "Enter your email address").await;
        assert_accessible(browser, &axe).await;
        let account = Account::new();
        visitor.register(&account).await;
        visitor.is_asked_for_the_code(&account.email).await;
        visitor.activate("12").await;
        browser.wait_for_text(CODE_NOTE, "Enter the 4 digits").await;
        assert_accessible(browser, &axe).await;
        visitor.activate(&standalone.mailbox().first(&account.email).await.code()).await;
        visitor.is_done().await;
        assert_accessible(browser, &axe).await;
    }
}

#[tokio::test]
async fn it_fits_from_320_pixels_upward() {
    let data = tempfile::tempdir().unwrap();
    let standalone = start(&data).await;
    for (width, language) in [(320, "en"), (320, "fr"), (768, "fr"), (1920, "en")] {
        let account = Account {
            email: format!("ada.lovelace.{width}.{language}@mail.example.com"),
            ..Account::new()
        };
        let url = format!("{}/?lang={language}", standalone.api);
        let visitor = Visitor::at(&url, Theme::Light, (width, 800)).await;
        let browser = &visitor.browser;
        visitor.register(&account.with_password("password")).await;
        browser.text("#password-note").await;
        browser.save_screenshot(&format!("43-signup-{width}-{language}-1")).await;
        visitor.register(&account).await;
        visitor.is_asked_for_the_code(&account.email).await;
        browser.click("#resend").await;
        browser.text("#code-message").await;
        browser.save_screenshot(&format!("43-signup-{width}-{language}-2")).await;
        visitor.activate(&standalone.mailbox().expect(&account.email, 2).await[1].code()).await;
        browser.text("#done-heading").await;
        visitor.assert_that_nothing_moved().await;
        browser.save_screenshot(&format!("43-signup-{width}-{language}-3")).await;
    }
}
