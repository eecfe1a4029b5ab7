//! What a browser has requested, and what its console shows.

use serde_json::{Value, json};

use super::webdriver::Session;

/// The URL of every request that a page has made, refused ones included.
pub(super) async fn requested_urls(session: &Session) -> Vec<String> {
    let events = entries(session, "performance").await;
    let messages = events.iter().map(|entry| -> Value {
        serde_json::from_str(entry["message"].as_str().unwrap())
            .expect("an event of the browser as JSON")
    });
    messages
        .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
        .map(|event| event["message"]["params"]["request"]["url"].as_str().unwrap().to_owned())
        .collect()
}

/// Warnings and errors in the console.
pub(super) async fn console_problems(session: &Session) -> Vec<String> {
    let entries = entries(session, "browser").await;
    let serious =
        entries.iter().filter(|entry| entry["level"] == "WARNING" || entry["level"] == "SEVERE");
    serious.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
}

async fn entries(session: &Session, kind: &str) -> Vec<Value> {
    let log = session.post("se/log", json!({ "type": kind })).await;
    log.as_array().expect("a list of entries").clone()
}
