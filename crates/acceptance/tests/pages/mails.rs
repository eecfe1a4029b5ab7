//! The mails as people see them: in each language, on a phone and on a desk, in the light and in the
//! dark. The pictures are left in `target/artefacts`.

use acceptance::browser::{Browser, Theme};
use acceptance::{Account, Mail, Standalone, StandaloneCommand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use test_support::eventually;

const LANGUAGES: [&str; 2] = ["en", "fr"];

/// A phone and a desk, in CSS pixels.
const SIZES: [(&str, (u32, u32)); 2] = [("narrow", (320, 640)), ("wide", (1000, 640))];
const THEMES: [(&str, Theme); 2] = [("light", Theme::Light), ("dark", Theme::Dark)];

async fn register(standalone: &Standalone, account: &Account, language: &str) {
    let body = json!({
        "email": account.email, "password": account.password, "locale": language
    });
    let client = standalone.client();
    client.send(client.post("/api/v1/users/register", body.to_string())).await.expect_status(202);
}

/// The code and the notice that somebody gets who registers again once active.
async fn both_mails(standalone: &Standalone, language: &str) -> [(&'static str, Mail); 2] {
    let account = Account::new();
    register(standalone, &account, language).await;
    let code = standalone.mailbox().first(&account.email).await;
    standalone.client().activate(&account, &code.code()).await.expect_status(200);
    register(standalone, &account, "en").await;
    let notice = standalone.mailbox().expect(&account.email, 2).await.swap_remove(1);
    [("code", code), ("notice", notice)]
}

#[tokio::test]
async fn mails_fit_every_screen_in_every_language_and_theme() {
    let data = tempfile::tempdir().unwrap();
    let standalone = StandaloneCommand::on(data.path())
        .with("registration.existing_account", "conceal")
        .with("mail.product_name", "Café & Companions")
        .with("mail.accent_color", "#0f766e")
        .with("mail.footer", "Café & Companions, 1 rue de l’Exemple, 75001 Paris")
        .start()
        .await;
    let mut mails = Vec::new();
    for language in LANGUAGES {
        for (kind, mail) in both_mails(&standalone, language).await {
            mails.push((format!("mail-{kind}-{language}"), language, mail));
        }
    }
    for (width, size) in SIZES {
        for (light, theme) in THEMES {
            let browser = Browser::start(theme, size).await;
            for (name, language, mail) in &mails {
                show(&browser, mail).await;
                let page = "document.documentElement";
                assert_eq!(browser.evaluate(&format!("{page}.lang")).await, *language);
                let overflow = format!("{page}.scrollWidth - {page}.clientWidth");
                assert_eq!(browser.evaluate(&overflow).await, 0, "{name} is wider than {width}");
                browser.save_screenshot(&format!("{name}-{width}-{light}")).await;
            }
        }
    }
}

async fn show(browser: &Browser, mail: &Mail) {
    let html = BASE64_STANDARD.encode(&mail.html);
    browser.open(&format!("data:text/html;charset=utf-8;base64,{html}")).await;
    eventually("the mail", async || {
        (browser.evaluate("document.readyState").await == "complete").then_some(())
    })
    .await;
}
