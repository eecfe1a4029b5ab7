//! A person at a browser: opens pages, reads, clicks and types.

mod requests;
mod webdriver;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{binary, eventually};
use webdriver::Session;
pub use webdriver::program;

/// Whether the person prefers light or dark pages; numbered as Chromium numbers them.
#[derive(Debug, Clone, Copy)]
pub enum Theme {
    /// Dark pages.
    Dark = 0,
    /// Light pages.
    Light = 1,
}

/// A browser with one window. It can reach nothing but this machine.
pub struct Browser {
    session: Session,
    size: (u32, u32),
}

/// One of the tabs of a browser.
pub struct Tab(String);

impl Browser {
    /// Starts a browser whose pages are so many CSS pixels wide and high.
    pub async fn start(theme: Theme, size: (u32, u32)) -> Self {
        let browser = Self { session: Session::start(theme).await, size };
        browser.fit().await;
        browser
    }

    /// Gives the tab in front its size: that of the page, not of the window around it.
    async fn fit(&self) {
        let (width, height) = self.size;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.session.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Goes to an address, in the tab that is in front.
    pub async fn open(&self, url: &str) {
        self.session.post("url", json!({ "url": url })).await;
    }

    /// The tab in front.
    pub async fn tab(&self) -> Tab {
        Tab(self.session.get("window").await.as_str().unwrap().to_owned())
    }

    /// Opens another tab, in front.
    pub async fn new_tab(&self) -> Tab {
        let opened = self.session.post("window/new", json!({ "type": "tab" })).await;
        let tab = Tab(opened["handle"].as_str().unwrap().to_owned());
        self.bring_to_front(&tab).await;
        self.fit().await;
        tab
    }

    /// Brings a tab to the front.
    pub async fn bring_to_front(&self, tab: &Tab) {
        self.session.post("window", json!({ "handle": tab.0 })).await;
        self.session.devtools("Page.bringToFront", json!({})).await;
    }

    /// Turns to what is in a frame.
    pub async fn enter_frame(&self, css: &str) {
        let element = eventually(css, async || self.session.visible(css).await).await;
        self.session.post("frame", json!({ "id": { (webdriver::ELEMENT): element } })).await;
    }

    /// Turns back to the page around the frame.
    pub async fn leave_frame(&self) {
        self.session.post("frame", json!({ "id": null })).await;
    }

    /// Waits until something is seen and clicks on it.
    pub async fn click(&self, css: &str) {
        eventually(&format!("a click on {css}"), async || {
            let element = self.session.visible(css).await?;
            self.session.try_post(&format!("element/{element}/click"), json!({})).await.ok()
        })
        .await;
    }

    /// Replaces what is in a field, as with the keyboard.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = eventually(css, async || self.session.visible(css).await).await;
        self.session.post(&format!("element/{element}/clear"), json!({})).await;
        self.session.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// Waits until something is seen and has text, and returns the text.
    pub async fn text(&self, css: &str) -> String {
        eventually(&format!("text in {css}"), async || {
            let element = self.session.visible(css).await?;
            let text = self.session.try_get(&format!("element/{element}/text")).await.ok()?;
            text.as_str().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        })
        .await
    }

    /// Waits until a text is seen somewhere in an element.
    pub async fn see(&self, css: &str, part: &str) {
        eventually(&format!("{part:?} in {css}"), async || self.text(css).await.contains(part).then_some(()))
            .await;
    }

    /// Scrolls so that something is at the top of the window.
    pub async fn scroll_to(&self, css: &str) {
        let script = "document.querySelector(arguments[0]).scrollIntoView({ block: 'start' })";
        self.session.run(script, json!([css])).await;
    }

    /// What an expression in the page comes to.
    pub async fn value_of(&self, expression: &str) -> Value {
        self.session.run(&format!("return {expression}"), json!([])).await
    }

    /// Keeps a picture of what is seen, in `target/artefacts`.
    pub async fn photograph(&self, name: &str) {
        let folder = artefacts();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.session.screenshot().await).unwrap();
    }

    /// Fails when a page has asked for something that is not at one of `origins`, or has complained about
    /// anything: a script that failed, a file that is missing, something its policy forbids.
    pub async fn assert_kept_to(&self, origins: &[&str]) {
        let requests = requests::made(&self.session).await;
        assert!(!requests.is_empty(), "the browser tells of its requests");
        for url in requests {
            let allowed = origins.iter().any(|origin| url.starts_with(&format!("{origin}/")));
            let local = ["data:", "blob:", "about:", "chrome:"].iter().any(|scheme| url.starts_with(scheme));
            assert!(allowed || local, "a page has asked for {url}");
        }
        let complaints = requests::complaints(&self.session).await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// Where pictures are kept: beside the folder of the binaries, in cargo's target folder.
fn artefacts() -> PathBuf {
    binary("standalone").parent().and_then(|folder| folder.parent()).unwrap().join("artefacts")
}
