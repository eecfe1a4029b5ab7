//! Somebody on the sign-up page.

use acceptance::Account;
use acceptance::browser::{Browser, Theme};
use serde_json::json;

pub(super) const EMAIL_NOTE: &str = "#email-note";
pub(super) const PASSWORD_NOTE: &str = "#password-note";
pub(super) const REGISTER_MESSAGE: &str = "#register-message";
pub(super) const CODE_NOTE: &str = "#code-note";
pub(super) const CODE_MESSAGE: &str = "#code-message";

/// A width and height in CSS pixels.
pub(super) const DESKTOP: (u32, u32) = (1280, 900);
pub(super) const PHONE: (u32, u32) = (390, 844);

/// What has moved by itself since the page was loaded (Layout Instability API): what a person types
/// may move.
const LAYOUT_SHIFT: &str = "(() => {
    const observer = new PerformanceObserver(() => {});
    observer.observe({ type: 'layout-shift', buffered: true });
    const moved = (source) => source.node?.id || source.node?.nodeName;
    const shifts = observer.takeRecords().filter(({ hadRecentInput }) => !hadRecentInput);
    return shifts.map(({ value, sources }) => [value, sources.map(moved)]);
})()";

pub(super) struct Visitor {
    pub(super) browser: Browser,
}

impl Visitor {
    /// Opens the page.
    pub(super) async fn at(url: &str, theme: Theme, size: (u32, u32)) -> Self {
        let browser = Browser::start(theme, size).await;
        browser.open(url).await;
        browser.text("#register-heading").await;
        Self { browser }
    }

    /// Sends the first form.
    pub(super) async fn register(&self, account: &Account) {
        self.browser.fill("#email", &account.email).await;
        self.browser.fill("#password", &account.password).await;
        self.browser.click("#register-form [type=submit]").await;
    }

    /// Sends the second form.
    pub(super) async fn activate(&self, code: &str) {
        self.browser.fill("#code", code).await;
        self.browser.click("#code-form [type=submit]").await;
    }

    pub(super) async fn is_asked_for_the_code(&self, email: &str) {
        self.browser.wait_for_text("#sent", email).await;
    }

    pub(super) async fn is_done(&self) {
        self.browser.wait_for_text("#done-heading", "Your account is active").await;
    }

    /// Fails if anything has moved, or if something reaches out of the window.
    pub(super) async fn assert_that_nothing_moved(&self) {
        let shifts = self.browser.evaluate(LAYOUT_SHIFT).await;
        assert_eq!(shifts, json!([]), "the layout has shifted");
        let excess = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(self.browser.evaluate(excess).await, 0, "the page is wider than the window");
    }
}
