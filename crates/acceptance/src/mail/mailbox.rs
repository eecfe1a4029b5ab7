//! Reads mails as Mailpit's HTTP API offers them, so a real Mailpit would do as well.

use reqwest::Url;
use serde_json::Value;
use test_support::eventually;

use crate::http::http_client;

/// A mail as its recipient reads it.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// The decoded name of the sender.
    pub from_name: String,
    /// The sender's address.
    pub from_address: String,
    /// The decoded subject.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl Mail {
    /// The code: the only number of four digits in the text.
    #[track_caller]
    pub fn code(&self) -> String {
        self.code_of_length(4)
    }

    /// The code, if it has so many digits: the only number of that length in the text.
    #[track_caller]
    pub fn code_of_length(&self, digits: usize) -> String {
        let numbers =
            self.text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == digits);
        let numbers: Vec<&str> = numbers.collect();
        let [code] = numbers[..] else { panic!("{numbers:?} where one code should be: {self:?}") };
        code.to_owned()
    }
}

/// The mails that an inbox has received.
#[derive(Clone)]
pub struct Mailbox {
    http: reqwest::Client,
    base: Url,
}

impl Mailbox {
    /// Reads from the inbox whose HTTP API is at `base`.
    pub fn at(base: &str) -> Self {
        Self { http: http_client(), base: base.parse().unwrap() }
    }

    /// The mails to an address, oldest first.
    pub async fn mails(&self, address: &str) -> Vec<Mail> {
        let mut url = self.base.join("/api/v1/search").unwrap();
        url.query_pairs_mut().append_pair("query", &format!("to:\"{address}\""));
        let found = self.get_json(url).await;
        let mut mails = Vec::new();
        for message in found["messages"].as_array().expect("a list of messages").iter().rev() {
            mails.push(self.mail(message["ID"].as_str().expect("an ID")).await);
        }
        mails
    }

    async fn mail(&self, id: &str) -> Mail {
        let message =
            self.get_json(self.base.join(&format!("/api/v1/message/{id}")).unwrap()).await;
        let text = |pointer: &str| {
            message.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Mail {
            message_id: text("/MessageID"),
            from_name: text("/From/Name"),
            from_address: text("/From/Address"),
            subject: text("/Subject"),
            text: text("/Text"),
            html: text("/HTML"),
        }
    }

    /// Waits until an address has at least `count` mails and returns all it has, oldest first.
    pub async fn expect(&self, address: &str, count: usize) -> Vec<Mail> {
        eventually(&format!("{count} mail(s) to {address}"), async || {
            let mails = self.mails(address).await;
            (mails.len() >= count).then_some(mails)
        })
        .await
    }

    /// Waits for the first mail to an address.
    pub async fn first(&self, address: &str) -> Mail {
        self.expect(address, 1).await.swap_remove(0)
    }

    async fn get_json(&self, url: Url) -> Value {
        let response = self.http.get(url).send().await.expect("the inbox answers");
        assert!(response.status().is_success(), "the inbox answered {}", response.status());
        response.json().await.expect("JSON from the inbox")
    }
}
