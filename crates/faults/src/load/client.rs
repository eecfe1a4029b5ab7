//! A client of the API that fails over, and writes down what it asks and what it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use acceptance::Account;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::surroundings::Surroundings;
use crate::evidence::{Answer, Copy, Exchange, History, Request, Story};

/// How long a client waits before it asks another API.
const PAUSE: Duration = Duration::from_millis(250);

/// One client and its account.
pub(super) struct Client {
    account: Account,
    surroundings: Surroundings,
    http: reqwest::Client,
    history: Mutex<History>,
    /// Counts up with each failure and each parallel request.
    api: AtomicUsize,
    is_done: AtomicBool,
}

impl Client {
    pub(super) fn new(
        number: usize,
        story: Story,
        surroundings: Surroundings,
        http: &reqwest::Client,
    ) -> Self {
        let account = Account::new();
        let email = account.email.clone();
        let history = Mutex::new(History { email, story, exchanges: Vec::new() });
        let (api, is_done) = (AtomicUsize::new(number), AtomicBool::new(false));
        Self { account, surroundings, http: http.clone(), history, api, is_done }
    }

    pub(super) fn history(&self) -> History {
        self.history.lock().unwrap().clone()
    }

    pub(super) fn story(&self) -> Story {
        self.history.lock().unwrap().story
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }

    pub(super) fn end_story(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }

    /// Sends a request once, to the API whose turn it is.
    pub(super) async fn ask(&self, request: Request) -> Answer {
        let api = self.api.load(Ordering::Relaxed) % self.surroundings.apis.len();
        let base = &self.surroundings.apis[api];
        let sent = self.surroundings.clock.now();
        let answer = self.exchange(base, &request).await;
        let ended = self.surroundings.clock.now();
        let exchange = Exchange { request, api, sent, ended, answer: answer.clone() };
        self.history.lock().unwrap().exchanges.push(exchange);
        answer
    }

    /// Sends a request until it is answered by something else than 503, or 408, after which it may
    /// be repeated (RFC 9110 section 15.5.9).
    pub(super) async fn ask_until_answered(&self, request: Request) -> Answer {
        loop {
            let answer = self.ask(request.clone()).await;
            let has_arrived = answer != Answer::NotSent && answer.status() != Some(408);
            if has_arrived && !answer.is_unknown() {
                return answer;
            }
            self.fail_over().await;
        }
    }

    pub(super) async fn fail_over(&self) {
        sleep(PAUSE).await;
        self.turn_to_next_api();
    }

    pub(super) fn turn_to_next_api(&self) {
        self.api.fetch_add(1, Ordering::Relaxed);
    }

    /// The newest mail, once there is one that is newer than `last`.
    pub(super) async fn mail_after(&self, last: Option<&Copy>) -> Copy {
        self.surroundings.sink.newer_mail(&self.account.email, last).await
    }

    async fn exchange(&self, base: &str, request: &Request) -> Answer {
        let Account { email, password } = &self.account;
        let url = |path| format!("{base}/api/v1/users/{path}");
        let basic = self.account.basic();
        let request = match request {
            Request::Register => {
                let body = json!({ "email": email, "password": password });
                self.http.post(url("register")).json(&body)
            }
            Request::Resend => self.http.post(url("resend-code")).header("authorization", basic),
            Request::Activate(code) => {
                let body = json!({ "code": code });
                self.http.post(url("activate")).header("authorization", basic).json(&body)
            }
        };
        match read(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => Answer::NotSent,
            Err(error) => Answer::Lost(cause(&error)),
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    Ok(Answer::Status {
        status,
        problem: text("code").unwrap_or_default(),
        detail: if status < 400 { String::new() } else { text("detail").unwrap_or_default() },
        user: text("user_id"),
    })
}

/// The innermost error, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
