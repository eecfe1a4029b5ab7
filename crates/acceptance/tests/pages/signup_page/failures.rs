//! What people meet when something goes wrong.

use acceptance::browser::Theme;
use acceptance::{Account, StandaloneCommand};
use test_support::Proxy;

use super::visitor::{
    CODE_MESSAGE, CODE_NOTE, DESKTOP, EMAIL_NOTE, PASSWORD_NOTE, PHONE, REGISTER_MESSAGE, Visitor,
};

#[tokio::test]
async fn errors_are_beside_their_fields() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path()).start().await;
    let visitor = Visitor::at(&standalone.api, Theme::Light, DESKTOP).await;
    let browser = &visitor.browser;
    browser.click("#register-form [type=submit]").await;
    browser.wait_for_text(EMAIL_NOTE, "Enter your email address").await;
    browser.wait_for_text(PASSWORD_NOTE, "at least 8 characters").await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "email");
    browser.save_screenshot("34-signup-errors").await;

    let account = Account::new();
    visitor.register(&account.with_password("password")).await;
    browser.wait_for_text(PASSWORD_NOTE, "easy to guess").await;
    assert_eq!(browser.evaluate("document.activeElement.id").await, "password");
    assert_eq!(browser.evaluate("document.getElementById('email-note').textContent").await, "");

    standalone.client().register(&account).await.expect_status(201);
    visitor.register(&account).await;
    browser.wait_for_text(EMAIL_NOTE, "This address is taken").await;
    browser.save_screenshot("35-signup-taken").await;
    // Somebody who has lost the page can go on with the code from the mail.
    browser.click("#have-code").await;
    browser.wait_for_text("#sent", "Enter the code").await;
    let code = standalone.mailbox().first(&account.email).await.code();
    visitor.activate("12").await;
    browser.wait_for_text(CODE_NOTE, "Enter the 4 digits").await;
    visitor.activate(&other_code(&code)).await;
    browser.wait_for_text(CODE_NOTE, "This code is wrong").await;
    browser.save_screenshot("36-signup-wrong-code").await;
    visitor.activate(&code).await;
    visitor.is_done().await;
    visitor.assert_that_nothing_moved().await;
}

fn other_code(code: &str) -> String {
    format!("{:04}", (code.parse::<u32>().unwrap() + 1) % 10_000)
}

#[tokio::test]
async fn a_code_that_has_expired_is_replaced_by_another_one() {
    let data = tempfile::tempdir().unwrap();
    // Long enough to be shown, short enough to wait for.
    let standalone = StandaloneCommand::on(data.path()).with("code.window", "2s").start().await;
    let account = Account { email: "ada@example.com".into(), ..Account::new() };
    let visitor = Visitor::at(&standalone.api, Theme::Dark, DESKTOP).await;
    let browser = &visitor.browser;
    visitor.register(&account).await;
    visitor.is_asked_for_the_code(&account.email).await;
    let code = standalone.mailbox().first(&account.email).await.code();
    browser.wait_for_text(CODE_MESSAGE, "The time is over").await;
    assert_eq!(browser.text("#time").await, "0:00");
    browser.save_screenshot("37-signup-time-over").await;
    visitor.activate(&code).await;
    browser.wait_for_text(CODE_NOTE, "has expired").await;
    browser.save_screenshot("38-signup-expired").await;
    browser.click("#resend").await;
    browser.wait_for_text(CODE_MESSAGE, "Another code is on its way").await;
    assert_eq!(standalone.mailbox().expect(&account.email, 2).await.len(), 2);
    visitor.assert_that_nothing_moved().await;
}

#[tokio::test]
async fn limits_are_told_with_the_time_to_wait() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path())
        .with("code.window", "3600s")
        .with("limits.register_per_client", "2/1h")
        .with("limits.further_codes", "1/1h");
    let standalone = start.start().await;
    let visitor = Visitor::at(&standalone.api, Theme::Light, PHONE).await;
    let browser = &visitor.browser;
    let accounts = [Account::new(), Account::new(), Account::new()];
    for account in &accounts[..2] {
        visitor.register(account).await;
        visitor.is_asked_for_the_code(&account.email).await;
        browser.click("#start-over").await;
    }
    visitor.register(&accounts[2]).await;
    browser.wait_for_text(REGISTER_MESSAGE, "Too many requests. Try again in 30 minutes").await;
    browser.save_screenshot("39-signup-limited").await;

    visitor.register(&accounts[1]).await;
    browser.click("#have-code").await;
    browser.wait_for_text("#sent", "Enter the code").await;
    browser.click("#resend").await;
    browser.wait_for_text(CODE_MESSAGE, "Another code is on its way").await;
    browser.click("#resend").await;
    browser.wait_for_text(CODE_MESSAGE, "Too many requests. Try again in").await;
    let mails = standalone.mailbox().expect(&accounts[1].email, 2).await;
    for _ in 0..5 {
        visitor.activate(&other_code(&mails[1].code())).await;
        browser.wait_for_text(CODE_NOTE, "This code is wrong").await;
    }
    visitor.activate(&mails[1].code()).await;
    browser.wait_for_text(CODE_MESSAGE, "Too many wrong codes").await;
    browser.save_screenshot("40-signup-too-many-codes").await;
    visitor.assert_that_nothing_moved().await;
}

#[tokio::test]
async fn a_connection_that_is_lost_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path()).with("code.window", "3600s");
    let standalone = start.start().await;
    let proxy = Proxy::start(standalone.api.trim_start_matches("http://")).await;
    let visitor = Visitor::at(&format!("http://{}", proxy.address()), Theme::Light, DESKTOP).await;
    let browser = &visitor.browser;
    let account = Account::new();
    proxy.cut().await;
    visitor.register(&account).await;
    browser.wait_for_text(REGISTER_MESSAGE, "No connection").await;
    browser.save_screenshot("41-signup-offline").await;
    // As if the request had arrived, and only its answer had been lost.
    standalone.client().register(&account).await.expect_status(201);
    let first = standalone.mailbox().first(&account.email).await.code();
    proxy.restore().await;
    browser.click("#register-form [type=submit]").await;
    visitor.is_asked_for_the_code(&account.email).await;
    let mails = standalone.mailbox().expect(&account.email, 2).await;
    proxy.cut().await;
    visitor.activate(&mails[1].code()).await;
    browser.wait_for_text(CODE_MESSAGE, "No connection").await;
    proxy.restore().await;
    browser.click("#code-form [type=submit]").await;
    visitor.is_done().await;
    assert_eq!(mails.len(), 2, "one code was asked for again: {first}");
}

#[tokio::test]
async fn in_conceal_mode_the_page_knows_no_more_than_the_api_says() {
    let data = tempfile::tempdir().unwrap();
    let start = StandaloneCommand::on(data.path())
        .with("code.window", "3600s")
        .with("registration.existing_account", "conceal");
    let standalone = start.start().await;
    let (mine, theirs) = (Account::new(), Account::new());
    standalone.client().register(&theirs).await.expect_status(202);
    let visitor = Visitor::at(&standalone.api, Theme::Light, DESKTOP).await;
    let browser = &visitor.browser;
    let mut shown = Vec::new();
    for account in [&theirs.with_wrong_password(), &mine] {
        visitor.register(account).await;
        browser.wait_for_text("#sent", "If ").await;
        visitor.activate("0000").await;
        browser.wait_for_text(CODE_MESSAGE, "Not accepted").await;
        browser.click("#resend").await;
        browser.wait_for_text(CODE_MESSAGE, "If there is a registration").await;
        let text = browser.evaluate("document.getElementById('code-step').innerText").await;
        shown
            .push(text.as_str().unwrap().replace(&account.email, "").replace(char::is_numeric, ""));
        browser.save_screenshot("42-signup-concealed").await;
        if account.email != mine.email {
            browser.click("#start-over").await;
        }
    }
    assert_eq!(shown[0], shown[1], "the page tells a taken address from a free one");
    let mails = standalone.mailbox().expect(&mine.email, 2).await;
    visitor.activate(&mails[1].code()).await;
    visitor.is_done().await;
    browser.forget_console().await;
}
