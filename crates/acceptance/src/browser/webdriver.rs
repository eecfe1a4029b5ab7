//! Speaks W3C `WebDriver` to chromedriver: JSON over HTTP, over the HTTP client that the tests use
//! anyway. (The crates for it bring a licence that `deny.toml` does not allow, or change how the
//! product's JSON is written.)

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::free_port;

use super::theme::Theme;
use crate::environment::installed_program;
use crate::http::http_client;
use crate::process::{Process, Program};

/// The name under which the standard wraps a reference to an element (W3C's standard, section 12).
pub(super) const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session with a browser. The browser ends with its driver, and the driver when this is dropped.
pub(super) struct Session {
    http: reqwest::Client,
    url: String,
    _driver: Process,
    _profile: TempDir,
}

impl Session {
    pub(super) async fn start(theme: Theme) -> Self {
        let driver =
            installed_program(&["chromedriver", "chromium.chromedriver"], "chromium-driver");
        // With `--port=0` it picks a port that is free on IPv6, and exits if it is in use on IPv4.
        let port = free_port();
        let driver = Program::new(driver).arguments([format!("--port={port}")]).spawn();
        driver.stdout.line_with("started successfully on port").await;
        let profile = tempfile::tempdir().unwrap();
        let http = http_client();
        let sessions = format!("http://127.0.0.1:{port}/session");
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": chromium(), "args": arguments(theme, &profile) },
            "goog:loggingPrefs": { "performance": "ALL", "browser": "ALL" },
        } } });
        let created = call(&http, Method::POST, &sessions, Some(capabilities)).await;
        let created = created.unwrap_or_else(|error| panic!("chromium cannot be started: {error}"));
        let url = format!("{sessions}/{}", created["sessionId"].as_str().unwrap());
        Self { http, url, _driver: driver, _profile: profile }
    }

    pub(super) async fn try_get(&self, command: &str) -> Result<Value, String> {
        call(&self.http, Method::GET, &format!("{}/{command}", self.url), None).await
    }

    pub(super) async fn try_post(&self, command: &str, body: Value) -> Result<Value, String> {
        call(&self.http, Method::POST, &format!("{}/{command}", self.url), Some(body)).await
    }

    pub(super) async fn get(&self, command: &str) -> Value {
        self.try_get(command).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(super) async fn post(&self, command: &str, body: Value) -> Value {
        self.try_post(command, body).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The first element that a selector finds and a person can see.
    pub(super) async fn visible(&self, css: &str) -> Option<String> {
        let found = self.post("elements", json!({ "using": "css selector", "value": css })).await;
        for element in found.as_array()? {
            let element = element[ELEMENT].as_str()?;
            if self.try_get(&format!("element/{element}/displayed")).await == Ok(Value::Bool(true))
            {
                return Some(element.to_owned());
            }
        }
        None
    }

    /// Runs a script in the page.
    pub(super) async fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Sends a command of Chromium's own protocol.
    pub(super) async fn devtools(&self, command: &str, parameters: Value) {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    /// A picture of the page as it is shown, as a PNG.
    pub(super) async fn screenshot(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(self.get("screenshot").await.as_str().unwrap()).unwrap()
    }
}

fn arguments(theme: Theme, profile: &TempDir) -> Vec<String> {
    let mut arguments = [
        "--headless=new",
        // Needs rights that root in a container lacks; only pages of this repository are opened.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--lang=en-US",
        "--hide-scrollbars",
        // The browser ends when its driver does, whatever ends the driver.
        "--remote-debugging-pipe",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--blink-settings=preferredColorScheme={}", theme as u8));
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    arguments
}

fn chromium() -> PathBuf {
    installed_program(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

async fn call(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    body: Option<Value>,
) -> Result<Value, String> {
    let mut request = http.request(method, url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response =
        request.send().await.map_err(|error| format!("chromedriver does not answer: {error}"))?;
    let failed = !response.status().is_success();
    let answer: Value = response.json().await.map_err(|error| error.to_string())?;
    if failed { Err(answer["value"]["message"].to_string()) } else { Ok(answer["value"].clone()) }
}
