//! A person at a browser: opens pages, reads, clicks and types.

mod requests;
mod theme;
mod webdriver;

use serde_json::{Value, json};
use test_support::eventually;

use crate::environment::target_directory;
pub use theme::Theme;
use webdriver::Session;

/// The key that moves the focus on.
pub const TAB: &str = "\u{e004}";

/// The key that sends a form.
pub const ENTER: &str = "\u{e007}";

/// A browser with one window. It can reach this machine only.
pub struct Browser {
    session: Session,
    size: (u32, u32),
}

/// One of the tabs of a browser.
pub struct Tab(String);

impl Browser {
    /// Starts a browser whose pages have this width and height in CSS pixels.
    pub async fn start(theme: Theme, size: (u32, u32)) -> Self {
        let browser = Self { session: Session::start(theme).await, size };
        browser.fit().await;
        browser
    }

    /// Sets the size of the page in the current tab, without the window around it.
    async fn fit(&self) {
        let (width, height) = self.size;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.session.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Opens an address in the current tab.
    pub async fn open(&self, url: &str) {
        self.session.post("url", json!({ "url": url })).await;
    }

    /// The current tab.
    pub async fn tab(&self) -> Tab {
        Tab(self.session.get("window").await.as_str().unwrap().to_owned())
    }

    /// Opens another tab, which becomes the current one.
    pub async fn new_tab(&self) -> Tab {
        let opened = self.session.post("window/new", json!({ "type": "tab" })).await;
        let tab = Tab(opened["handle"].as_str().unwrap().to_owned());
        self.switch_to(&tab).await;
        self.fit().await;
        tab
    }

    /// Makes a tab the current one.
    pub async fn switch_to(&self, tab: &Tab) {
        self.session.post("window", json!({ "handle": tab.0 })).await;
        self.session.devtools("Page.bringToFront", json!({})).await;
    }

    /// Continues in a frame of the page.
    pub async fn enter_frame(&self, css: &str) {
        let element = eventually(css, async || self.session.visible(css).await).await;
        self.session.post("frame", json!({ "id": { (webdriver::ELEMENT): element } })).await;
    }

    /// Continues in the page around the frame.
    pub async fn leave_frame(&self) {
        self.session.post("frame", json!({ "id": null })).await;
    }

    /// Waits until an element is visible and clicks on it.
    pub async fn click(&self, css: &str) {
        eventually(&format!("a click on {css}"), async || {
            let element = self.session.visible(css).await?;
            self.session.try_post(&format!("element/{element}/click"), json!({})).await.ok()
        })
        .await;
    }

    /// Replaces the text in a field, as if typed.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = eventually(css, async || self.session.visible(css).await).await;
        self.session.post(&format!("element/{element}/clear"), json!({})).await;
        self.session.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// Presses keys one after the other, wherever the focus is; [`TAB`] and [`ENTER`] are keys too.
    pub async fn press(&self, keys: &str) {
        let strokes: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.session.post("actions", json!({ "actions": [keyboard] })).await;
    }

    /// Has the person read these languages, as `Accept-Language` writes them.
    pub async fn read_languages(&self, languages: &str) {
        let agent = self.evaluate("navigator.userAgent").await;
        let agent = json!({ "userAgent": agent, "acceptLanguage": languages });
        self.session.devtools("Emulation.setUserAgentOverride", agent).await;
    }

    /// Runs a script in the page, with `arguments`, and waits for the promise that it returns.
    pub async fn run(&self, script: &str, arguments: Value) -> Value {
        self.session.run(script, arguments).await
    }

    /// Forgets what the console has shown so far, where problems were meant to happen.
    pub async fn forget_console(&self) {
        requests::console_problems(&self.session).await;
    }

    /// Waits until an element is visible and has text, and returns the text.
    pub async fn text(&self, css: &str) -> String {
        eventually(&format!("text in {css}"), async || {
            let element = self.session.visible(css).await?;
            let text = self.session.try_get(&format!("element/{element}/text")).await.ok()?;
            text.as_str().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        })
        .await
    }

    /// Waits until an element shows a text.
    pub async fn wait_for_text(&self, css: &str, part: &str) {
        eventually(&format!("{part:?} in {css}"), async || {
            self.text(css).await.contains(part).then_some(())
        })
        .await;
    }

    /// Scrolls until an element is at the top of the window.
    pub async fn scroll_to(&self, css: &str) {
        let script = "document.querySelector(arguments[0]).scrollIntoView({ block: 'start' })";
        self.session.run(script, json!([css])).await;
    }

    /// The value of an expression in the page.
    pub async fn evaluate(&self, expression: &str) -> Value {
        self.session.run(&format!("return {expression}"), json!([])).await
    }

    /// A picture of the page as it is shown, as a PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        self.session.screenshot().await
    }

    /// Keeps a screenshot in `target/artefacts`, for people to look at.
    pub async fn save_screenshot(&self, name: &str) {
        let folder = target_directory().join("artefacts");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.screenshot().await).unwrap();
    }

    /// Fails if a page has requested anything that is not at one of `origins`, or if the console
    /// shows a problem: a script that failed, a missing file, something that the page's policy
    /// forbids.
    pub async fn assert_requested_only_from(&self, origins: &[&str]) {
        let urls = requests::requested_urls(&self.session).await;
        assert!(!urls.is_empty(), "the browser reports its requests");
        for url in urls {
            let allowed = origins.iter().any(|origin| url.starts_with(&format!("{origin}/")));
            let local = ["data:", "blob:", "about:", "chrome:"]
                .iter()
                .any(|scheme| url.starts_with(scheme));
            assert!(allowed || local, "a page has requested {url}");
        }
        let problems = requests::console_problems(&self.session).await;
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
