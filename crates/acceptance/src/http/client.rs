//! A client of the REST API that remembers its requests and the statuses of their answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use test_support::WAIT_TIMEOUT;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Reply, http_client};
use crate::account::Account;

/// After this long without a byte, an answer on a connection that is kept open is complete.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Texts that must never be in a log: passwords, addresses, credentials.
pub type Secrets = Arc<Mutex<BTreeSet<String>>>;

/// Speaks to one system on behalf of one test.
pub struct Client {
    http: reqwest::Client,
    base: String,
    seen: Mutex<BTreeSet<String>>,
    secrets: Secrets,
}

impl Client {
    /// A client of the API at `base`, which adds addresses, passwords and credentials that it sends
    /// to `secrets`.
    pub fn new(base: &str, secrets: Secrets) -> Self {
        Self { http: http_client(), base: base.to_owned(), seen: Mutex::default(), secrets }
    }

    /// What was answered so far: `METHOD path status`.
    pub fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }

    /// A request to be completed and passed to [`Self::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.expect("an answer")
    }

    /// Sends a request to a system that may not be there.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Reply> {
        let request = request.build().expect("a request that can be sent");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let reply = Reply::read(self.http.execute(request).await?).await?;
        self.seen.lock().unwrap().insert(format!("{method} {path} {}", reply.status));
        Ok(reply)
    }

    /// Sends text that need not be HTTP and returns all that comes back until the connection ends
    /// or, after an answer, falls silent. Empty only if the server has closed the connection.
    pub async fn send_bytes(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        let asked: Vec<&str> = request.split(' ').take(2).collect();
        if let Some(status) = answer.split(' ').nth(1) {
            self.seen.lock().unwrap().insert(format!("{} {status}", asked.join(" ")));
        }
        answer
    }

    /// `GET path`
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// A POST with a JSON body, written as given.
    pub fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body)
    }

    /// `POST /api/v1/users/register`
    pub async fn register(&self, account: &Account) -> Reply {
        self.try_register(account).await.expect("an answer")
    }

    /// `POST /api/v1/users/register`, to a system that may not be there.
    pub async fn try_register(&self, account: &Account) -> reqwest::Result<Reply> {
        self.keep_secret(account);
        let body = json!({ "email": account.email, "password": account.password });
        self.try_send(self.post("/api/v1/users/register", body.to_string())).await
    }

    /// `POST /api/v1/users/activate`
    pub async fn activate(&self, account: &Account, code: &str) -> Reply {
        self.keep_secret(account);
        let body = json!({ "code": code }).to_string();
        let request =
            self.post("/api/v1/users/activate", body).header("authorization", account.basic());
        self.send(request).await
    }

    /// `POST /api/v1/users/resend-code`
    pub async fn resend(&self, account: &Account) -> Reply {
        self.keep_secret(account);
        let request = self.request(Method::POST, "/api/v1/users/resend-code");
        self.send(request.header("authorization", account.basic())).await
    }

    fn keep_secret(&self, account: &Account) {
        let credentials = account.basic().trim_start_matches("Basic ").to_owned();
        self.secrets.lock().unwrap().extend([
            account.email.clone(),
            account.password.clone(),
            credentials,
        ]);
    }
}

/// What comes until the connection ends, a reset included, or falls silent after its first bytes.
async fn read_answer(stream: &mut TcpStream) -> String {
    let (mut answer, mut limit) = (Vec::new(), WAIT_TIMEOUT);
    loop {
        match timeout(limit, stream.read_buf(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => limit = SILENCE_TIMEOUT,
            Err(_) => {
                assert!(!answer.is_empty(), "the server neither answers nor closes the connection");
                break;
            }
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
